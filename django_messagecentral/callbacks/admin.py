"""Delivery reports in the admin: what came, what became of it, and what a person must decide."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_messagecentral.admin_base import SEE_NUMBERS, MaskedPhoneMixin, ReadOnlyAdmin
from django_messagecentral.callbacks import resolving
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.registration import NotReady, Registration, registration
from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import DELIVERY, Status
from django_messagecentral.phones import from_vendor, mask_phone

RESOLVE = "messagecentral.resolve_callback"
REGISTER = "messagecentral.register_webhook"


class RegistrationForm(forms.Form):
    site = forms.URLField(label=_("public address of this site"), assume_scheme="https")
    brand = forms.CharField(label=_("brand name"), required=False)
    email = forms.EmailField(label=_("registered e-mail of the account"), required=False)
    token = forms.IntegerField(
        label=_("token number"), min_value=1, initial=1, help_text=_("Of WEBHOOK_TOKENS, for a rotation.")
    )


class ResolveForm(forms.Form):
    """``message`` is one of the likely ones, or any by its id."""

    message = forms.ChoiceField(label=_("message"), required=False, widget=forms.RadioSelect)
    message_id = forms.UUIDField(label=_("or another message, by its id"), required=False)
    status = forms.ChoiceField(label=_("what the vendor's word means"), required=False)

    def __init__(self, callback: Callback, in_full: bool, data: Any = None) -> None:
        super().__init__(data)
        self.fields["message"].choices = [  # type: ignore[attr-defined]
            (str(message.public_id), self._label(message, in_full)) for message in resolving.choices(callback)
        ]
        if callback.event.status is None:
            self.fields["status"].choices = [("", "-"), *((s.value, s.label) for s in DELIVERY)]  # type: ignore[attr-defined]
        else:
            del self.fields["status"]

    @staticmethod
    def _label(message: Message, in_full: bool) -> str:
        phone = message.phone if in_full else mask_phone(message.phone)
        when = message.submitted_at or message.created_at
        return f"{phone}, {message.get_status_display()}, {when:%Y-%m-%d %H:%M:%S} UTC, {message.public_id}"

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        public_id = cleaned.get("message_id") or cleaned.get("message")
        found = Message.objects.filter(public_id=public_id).first() if public_id else None
        if found is None and not self.errors:
            raise forms.ValidationError(_("Choose a message, or give the id of one."))
        cleaned["found"] = found
        return cleaned


@admin.register(Callback)
class CallbackAdmin(MaskedPhoneMixin, ReadOnlyAdmin):
    list_display = (
        "received_at",
        "vendor_status",
        "phone_shown",
        "vendor_message_id",
        "state",
        "reason",
        "done_at",
    )
    list_filter = ("state", "reason", "vendor_status")
    search_fields = ("=phone", "=vendor_message_id")  # whole, by an index: there are millions
    search_help_text = _("A whole phone number with its country code, or a whole messageId.")
    show_full_result_count = False
    actions = ("try_again", "set_aside")
    change_list_template = "django_messagecentral/callbacks/change_list.html"
    fields = (
        "vendor_status",
        "error_code",
        "phone_shown",
        "vendor_message_id",
        "message_shown",
        "state",
        "reason",
        "error",
        "decide",
        "submit_at",
        "done_at",
        "received_at",
        "remote_ip",
        "tries",
        "next_try_at",
        "payload_shown",
    )
    readonly_fields = ("message_shown", "payload_shown", "decide")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Callback], search_term: str
    ) -> tuple[QuerySet[Callback], bool]:
        return super().get_search_results(request, queryset, from_vendor(search_term) or search_term)

    # -- columns --------------------------------------------------------------------------------

    @admin.display(description=_("message"))
    def message_shown(self, obj: Callback) -> str:
        return str(obj.message or "-")

    @admin.display(description=_("as received"))
    def payload_shown(self, obj: Callback) -> str:
        if not getattr(obj, "_in_full", False):
            return str(_("(only for those who may see phone numbers)"))
        return json.dumps(obj.payload, ensure_ascii=False, indent=2)

    @admin.display(description=_("decide"))
    def decide(self, obj: Callback) -> str:
        if obj.state not in resolving.OPEN:
            return "-"
        url = reverse("admin:messagecentral_callback_resolve", args=[obj.pk])
        return format_html('<a href="{}">{}</a>', url, _("Choose its message"))

    # -- actions --------------------------------------------------------------------------------

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(RESOLVE)

    @admin.action(description=_("Look for their messages again"), permissions=["resolve"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Callback]) -> None:
        count = resolving.reopen(queryset)
        self.message_user(
            request,
            ngettext("%(n)d report is looked at again.", "%(n)d reports are looked at again.", count)
            % {"n": count},
        )

    @admin.action(description=_("Set aside: not about a message of this site"), permissions=["resolve"])
    def set_aside(self, request: HttpRequest, queryset: QuerySet[Callback]) -> None:
        count = 0
        for callback in queryset.filter(state__in=resolving.OPEN):
            try:
                resolving.dismiss(callback.pk)
            except resolving.NotResolvable:  # another person was quicker, which is as good
                continue
            self.log_change(request, callback, "set aside")
            count += 1
        self.message_user(
            request, ngettext("%(n)d report set aside.", "%(n)d reports set aside.", count) % {"n": count}
        )

    # -- pages ----------------------------------------------------------------------------------

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("register/", view(self.register_page), name="messagecentral_callback_register"),
            path("<int:pk>/resolve/", view(self.resolve_page), name="messagecentral_callback_resolve"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        may_register = request.user.has_perm(REGISTER)
        return super().changelist_view(request, {**(extra_context or {}), "may_register": may_register})

    def register_page(self, request: HttpRequest) -> HttpResponse:
        """The e-mail that asks the vendor to call the webhook. It shows the secret: own permission."""
        if not request.user.has_perm(REGISTER):
            raise PermissionDenied
        initial = {
            "site": request.build_absolute_uri("/").rstrip("/"),
            "brand": app_settings.SENDER_ID,
            "email": app_settings.EMAIL,
            "token": 1,
        }
        form = RegistrationForm(request.POST or None, initial=initial)
        mail: Registration | None = None
        if request.method == "POST" and form.is_valid():
            asked = form.cleaned_data
            try:
                mail = registration(
                    asked["site"],
                    brand=asked["brand"],
                    email=asked["email"],
                    token_number=asked["token"],
                )
            except NotReady as error:
                form.add_error(None, str(error))
        title = _("Register the webhook with the vendor")
        return self._page(request, "register", {"title": title, "form": form, "mail": mail})

    def resolve_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A person names the message that a report is about."""
        if not request.user.has_perm(RESOLVE):
            raise PermissionDenied
        callback = self.get_queryset(request).filter(pk=pk).first()
        if callback is None:
            raise Http404
        form = ResolveForm(callback, request.user.has_perm(SEE_NUMBERS), request.POST or None)
        back = reverse("admin:messagecentral_callback_changelist")
        if request.method == "POST" and form.is_valid():
            chosen = form.cleaned_data.get("status")
            try:
                resolving.assign(
                    callback.pk, form.cleaned_data["found"].pk, Status(chosen) if chosen else None
                )
            except resolving.NotResolvable as error:
                form.add_error(None, str(error))
            else:
                self.log_change(request, callback, f"given to message {form.cleaned_data['found'].public_id}")
                self.message_user(request, _t("The report was given to the message."), messages.SUCCESS)
                return HttpResponseRedirect(back)
        return self._page(
            request,
            "resolve",
            {
                "title": _("Whose report is this?"),
                "form": form,
                "callback": callback,
                "phone": self.phone_shown(callback),
                "back": back,
            },
        )

    def _page(self, request: HttpRequest, name: str, context: dict[str, Any]) -> TemplateResponse:
        return TemplateResponse(
            request,
            f"django_messagecentral/callbacks/{name}.html",
            {**self.admin_site.each_context(request), "opts": self.opts, **context},
        )
