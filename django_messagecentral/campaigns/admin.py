"""Campaigns in the admin: create with a spreadsheet, review, launch, watch, pause, resume, cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from django_messagecentral.admin_base import SEE_NUMBERS, InternalAdmin, MaskedPhoneMixin, ReadOnlyAdmin
from django_messagecentral.campaigns import editing, exports, service
from django_messagecentral.campaigns.admin_forms import CampaignForm, LaunchForm
from django_messagecentral.campaigns.admin_unconfirmed import LAUNCH, UnconfirmedMixin
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, DispatchSlot, RejectedRow
from django_messagecentral.campaigns.preview import preview
from django_messagecentral.campaigns.progress import Progress, first_rows_aside, problems_of, progress
from django_messagecentral.campaigns.states import (
    CAMPAIGN_TRANSITIONS,
    NEVER_LEFT,
    TAKES_UPLOADS,
    CampaignStatus,
)
from django_messagecentral.messaging import counters
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status

IMPORT = "messagecentral.import_campaign"
EXPORT = "messagecentral.export_campaign"
ROWS_SHOWN = 20
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@admin.register(Campaign)
class CampaignAdmin(UnconfirmedMixin, admin.ModelAdmin):
    form = CampaignForm
    list_display = ("name", "status_shown", "recipients_shown", "delivered_shown", "channel", "created_at")
    list_filter = ("status", "channel", "message_type")
    search_fields = ("name",)
    date_hierarchy = "created_at"
    show_full_result_count = False
    actions = None  # no deleting by the dozen: it would not ask what each has sent
    change_form_template = "django_messagecentral/campaigns/change_form.html"

    class Media:
        css = {"all": ("django_messagecentral/campaigns.css",)}
        js = ("django_messagecentral/campaigns.js",)

    # -- list -----------------------------------------------------------------------------------

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Counts of the page's campaigns in one query."""
        changelist = super().get_changelist_instance(request)
        counts = counters.read_many([campaign.pk for campaign in changelist.result_list])
        for campaign in changelist.result_list:
            campaign.counts = counts[campaign.pk]
        return changelist

    @admin.display(description=_("status"), ordering="status")
    def status_shown(self, obj: Campaign) -> str:
        return format_html('<span class="mc-status mc-{}">{}</span>', obj.status, obj.get_status_display())

    @admin.display(description=_("recipients"))
    def recipients_shown(self, obj: Campaign) -> int:
        return sum(obj.counts.get(status, 0) for status in Status)  # type: ignore[attr-defined]

    @admin.display(description=_("delivered"))
    def delivered_shown(self, obj: Campaign) -> int:
        return obj.counts.get(Status.DELIVERED, 0)  # type: ignore[attr-defined, no-any-return]

    # -- form -----------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        first: list[str] = ["name", "text"]
        if request.user.has_perm(IMPORT) and (obj is None or obj.status in TAKES_UPLOADS):
            first.append("file")
        return (
            (None, {"fields": first}),
            (
                _("How it is sent"),
                {
                    "fields": (
                        "channel",
                        "message_type",
                        "sender_id",
                        "template_id",
                        "entity_id",
                        "mode",
                        "routing",
                    )
                },
            ),
            (_("When"), {"fields": ("pace", "ends_at")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Campaign | None = None) -> tuple[str, ...]:
        if obj is None:
            return ()
        fixed = editing.fixed_fields(obj)
        # Of a campaign that runs, or is about to, these decide what leaves when.
        if obj.status not in NEVER_LEFT and not request.user.has_perm(LAUNCH):
            fixed += tuple(name for name in ("pace", "ends_at") if name not in fixed)
        return fixed

    def has_delete_permission(self, request: HttpRequest, obj: Campaign | None = None) -> bool:
        """A campaign that has sent anything is a record."""
        return super().has_delete_permission(request, obj) and (obj is None or editing.can_be_deleted(obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """In numbers: the page must not list 200,000 recipients, nor ask for a right to delete each."""
        shown, counts = [], {self.opts.verbose_name_plural: len(objs)}
        for campaign in objs:
            recipients = sum(counters.read(campaign.pk).get(status, 0) for status in Status)
            shown.append(
                _t("%(name)s, with its recipients (%(n)d), their rejected rows and the uploaded files")
                % {"name": campaign, "n": recipients}
            )
            label = Message._meta.verbose_name_plural
            counts[label] = counts.get(label, 0) + recipients
        return shown, counts, set(), []

    def delete_model(self, request: HttpRequest, obj: Campaign) -> None:
        editing.delete_campaign(obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except service.CampaignError as error:  # somebody has launched it meanwhile
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(reverse(f"{self.admin_site.name}:messagecentral_campaign_changelist"))

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if not change:
            obj.created_by_id = request.user.pk
            super().save_model(request, obj, form, change)
        elif changed := {name: getattr(obj, name) for name in form.changed_data if name != "file"}:
            editing.change_campaign(obj, **changed)
        if form.cleaned_data.get("file"):
            if not request.user.has_perm(IMPORT):
                raise PermissionDenied
            service.add_upload(obj, form.cleaned_data["file"], user=request.user)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """What another person's launch or upload has made impossible is said on the campaign's page."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except service.CampaignError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.path)

    def response_add(
        self, request: HttpRequest, obj: Campaign, post_url_continue: str | None = None
    ) -> HttpResponse:
        """To the campaign itself: the import is running there."""
        if "_addanother" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(self._url("change", obj))

    # -- page -----------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        campaign = self.get_object(request, object_id)
        context = dict(extra_context or {})
        if campaign is not None and self.has_view_or_change_permission(request, campaign):
            context |= self._panel(request, campaign)
        return super().change_view(request, object_id, form_url, context)

    def _panel(self, request: HttpRequest, campaign: Campaign) -> dict[str, Any]:
        shown = progress(campaign)
        uploads = list(campaign.uploads.all())
        problems, rows = problems_of(uploads), first_rows_aside(uploads, ROWS_SHOWN)
        return {
            "campaign": campaign,
            "progress": shown,
            "buttons": self._buttons(request, campaign, shown),
            "uploads": uploads,
            "rejected_rows": rows,
            # Where not every row can be shown
            "problems": problems if sum(problem.rows for problem in problems) > len(rows) else [],
            "may_see_numbers": request.user.has_perm(SEE_NUMBERS),
            "may_export": request.user.has_perm(EXPORT),
            "export_url": self._url("rejected", campaign),
            "progress_url": self._url("progress", campaign),
        }

    def _buttons(self, request: HttpRequest, campaign: Campaign, shown: Progress) -> list[dict[str, Any]]:
        if not request.user.has_perm(LAUNCH):
            return []
        status = CampaignStatus(campaign.status)
        allowed = CAMPAIGN_TRANSITIONS[status]
        buttons: list[dict[str, Any]] = []
        if status == CampaignStatus.READY:
            buttons.append(
                {"label": _("Launch…"), "url": self._url("launch", campaign), "method": "get", "main": True}
            )
        if status == CampaignStatus.PAUSED:
            buttons.append(
                {"label": _("Resume"), "url": self._url("resume", campaign), "method": "post", "main": True}
            )
        if CampaignStatus.PAUSED in allowed:
            buttons.append({"label": _("Pause"), "url": self._url("pause", campaign), "method": "post"})
        if CampaignStatus.CANCELLED in allowed:
            buttons.append(
                {"label": _("Cancel campaign…"), "url": self._url("cancel", campaign), "method": "get"}
            )
        return buttons + self.unconfirmed_buttons(campaign, shown)

    # -- views ----------------------------------------------------------------------------------

    def _url(self, name: str, campaign: Campaign) -> str:
        return reverse(f"{self.admin_site.name}:messagecentral_campaign_{name}", args=[campaign.pk])

    def get_urls(self) -> list[Any]:
        views: dict[str, Callable[..., HttpResponse]] = {
            "progress": self.progress_view,
            "launch": self.launch_view,
            "cancel": self.cancel_view,
            "pause": self.pause_view,
            "resume": self.resume_view,
            "rejected": self.rejected_view,
            **self.unconfirmed_views(),
        }
        own = [
            path(
                f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"messagecentral_campaign_{name}"
            )
            for name, view in views.items()
        ]
        return [*own, *super().get_urls()]

    def _campaign(self, request: HttpRequest, pk: int, permission: str | None = None) -> Campaign:
        campaign = Campaign.objects.filter(pk=pk).first()
        if campaign is None:
            raise Http404
        if not self.has_view_or_change_permission(request, campaign):
            raise PermissionDenied
        if permission and not request.user.has_perm(permission):
            raise PermissionDenied
        return campaign

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        return JsonResponse(progress(self._campaign(request, pk)).as_dict())

    def launch_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._campaign(request, pk, LAUNCH)
        form = LaunchForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            at = form.cleaned_data["at"]
            done = _t("The campaign is scheduled.") if at else _t("The campaign is being sent.")
            return self._do(request, campaign, lambda: service.launch(campaign, at=at), done)
        return self._page(
            request,
            campaign,
            "launch",
            _t("Launch %(name)s") % {"name": campaign},
            form=form,
            progress=progress(campaign),
            previews=preview(campaign, full_numbers=request.user.has_perm(SEE_NUMBERS)),
        )

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._campaign(request, pk, LAUNCH)
        if request.method == "POST":
            reason = _t("Cancelled by %(user)s.") % {"user": request.user}
            return self._do(
                request, campaign, lambda: service.cancel(campaign, reason), _t("The campaign is cancelled.")
            )
        title = _t("Cancel %(name)s") % {"name": campaign}
        return self._page(request, campaign, "cancel", title, progress=progress(campaign))

    def pause_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._campaign(request, pk, LAUNCH)
        reason = _t("Paused by %(user)s.") % {"user": request.user}
        return self._do(
            request, campaign, lambda: service.pause(campaign, reason), _t("The campaign is paused.")
        )

    def resume_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._campaign(request, pk, LAUNCH)
        return self._do(request, campaign, lambda: service.resume(campaign), _t("The campaign goes on."))

    def rejected_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        campaign = self._campaign(request, pk, EXPORT)
        if not request.user.has_perm(SEE_NUMBERS):
            raise PermissionDenied
        response = HttpResponse(exports.rejected_rows(campaign), content_type=XLSX)
        response["Content-Disposition"] = f'attachment; filename="rejected-rows-{campaign.pk}.xlsx"'
        return response

    def _do(
        self, request: HttpRequest, campaign: Campaign, action: Callable[[], object], done: str
    ) -> HttpResponse:
        """Run ``action`` of a POST, say what came of it, and go back to the campaign."""
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        try:
            action()
        except service.CampaignError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.log_change(request, campaign, done)
            self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(self._url("change", campaign))

    def _page(
        self, request: HttpRequest, campaign: Campaign, name: str, title: str, **context: Any
    ) -> HttpResponse:
        return render(
            request,
            f"django_messagecentral/campaigns/{name}.html",
            {
                **self.admin_site.each_context(request),
                "title": title,
                "opts": self.opts,
                "campaign": campaign,
                "back": self._url("change", campaign),
                "media": self.media,
                **context,
            },
        )


@admin.register(CampaignUpload)
class CampaignUploadAdmin(ReadOnlyAdmin):
    list_display = (
        "original_name",
        "campaign",
        "status",
        "rows_read",
        "accepted",
        "rejected",
        "duplicates",
        "suppressed",
        "created_at",
    )
    list_filter = ("status",)
    list_select_related = ("campaign",)
    exclude = ("file", "claim", "lease_until")


@admin.register(RejectedRow)
class RejectedRowAdmin(MaskedPhoneMixin, ReadOnlyAdmin):
    list_display = ("upload", "row_number", "code", "reason")
    list_filter = ("code",)
    list_select_related = ("upload",)
    show_full_result_count = False

    def get_fields(self, request: HttpRequest, obj: RejectedRow | None = None) -> Any:
        cells = ["cells"] if request.user.has_perm(SEE_NUMBERS) else []
        return ["upload", "row_number", *cells, "code", "reason"]


@admin.register(DispatchSlot)
class DispatchSlotAdmin(InternalAdmin):
    list_display = ("campaign", "number", "claim", "lease_until")

    def get_queryset(self, request: HttpRequest) -> QuerySet[DispatchSlot]:
        return super().get_queryset(request).select_related("campaign")
