"""Subscribers and deliveries in the admin: the secret once, a test, a rotation, and sending again."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_messagecentral.admin_base import ReadOnlyAdmin
from django_messagecentral.webhooks import service, signing
from django_messagecentral.webhooks.models import EventType, WebhookDelivery, WebhookEndpoint

CHANGE = "messagecentral.change_webhookendpoint"


class EndpointForm(forms.ModelForm):
    events = forms.MultipleChoiceField(
        label=_("Events"), choices=EventType.choices, widget=forms.CheckboxSelectMultiple
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "description", "events", "enabled")


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(admin.ModelAdmin):
    form = EndpointForm
    list_display = (
        "__str__",
        "enabled",
        "disabled_reason",
        "failures",
        "failing_since",
        "last_success_at",
    )
    list_filter = ("enabled",)
    search_fields = ("url", "description")
    change_form_template = "django_messagecentral/webhooks/change_form.html"
    fields = ("url", "description", "events", "enabled")
    readonly_fields = (
        "public_id",
        "disabled_reason",
        "failures",
        "failing_since",
        "blocked_until",
        "last_success_at",
        "created_at",
    )

    def get_fields(self, request: HttpRequest, obj: WebhookEndpoint | None = None) -> Any:
        return self.fields if obj is None else (*(self.fields or ()), *self.readonly_fields)

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        if change:
            service.change_endpoint(obj, **{name: form.cleaned_data[name] for name in form.changed_data})
            return
        obj.keys = [signing.new_key()]
        super().save_model(request, obj, form, change)
        self._show_secret(request, signing.secret_of(obj.keys[0]))

    def _show_secret(self, request: HttpRequest, secret: str) -> None:
        self.message_user(
            request,
            _t("The secret, shown only now: %(secret)s") % {"secret": secret},
            messages.WARNING,
        )

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/test/", view(self.test), name="messagecentral_webhookendpoint_test"),
            path("<int:pk>/rotate/", view(self.rotate), name="messagecentral_webhookendpoint_rotate"),
            *super().get_urls(),
        ]

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A ``webhook.test`` event to this endpoint alone."""
        endpoint = self._asked(request, pk)
        if isinstance(endpoint, HttpResponse):
            return endpoint
        service.send_test(endpoint)
        self.message_user(request, _t("A test event is on its way: look below what became of it."))
        return HttpResponseRedirect(
            f"{reverse('admin:messagecentral_webhookdelivery_changelist')}?endpoint__id__exact={endpoint.pk}"
        )

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A new secret; the old one stays valid for a day."""
        endpoint = self._asked(request, pk)
        if isinstance(endpoint, HttpResponse):
            return endpoint
        self._show_secret(request, service.rotate_secret(endpoint))
        self.log_change(request, endpoint, "secret rotated")
        return HttpResponseRedirect(reverse("admin:messagecentral_webhookendpoint_change", args=[pk]))

    def _asked(self, request: HttpRequest, pk: int) -> WebhookEndpoint | HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied
        endpoint = WebhookEndpoint.objects.filter(pk=pk).first()
        if endpoint is None:
            raise Http404
        return endpoint


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "state",
        "event",
        "endpoint",
        "attempts",
        "http_status",
        "detail",
        "next_try_at",
        "finished_at",
    )
    list_filter = ("state", "event", ("endpoint", admin.RelatedOnlyFieldListFilter))
    list_select_related = ("endpoint",)
    search_fields = ("public_id",)
    show_full_result_count = False
    actions = ("send_again",)
    fields = (
        "public_id",
        "endpoint",
        "event",
        "body_shown",
        "state",
        "attempts",
        "http_status",
        "detail",
        "created_at",
        "next_try_at",
        "finished_at",
    )
    readonly_fields = ("body_shown",)

    @admin.display(description=_("body"))
    def body_shown(self, obj: WebhookDelivery) -> str:
        return format_html(
            '<pre class="mc-body">{}</pre>', json.dumps(json.loads(obj.body), ensure_ascii=False, indent=2)
        )

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE)

    @admin.action(description=_("Send again"), permissions=["replay"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]) -> None:
        count = service.replay(queryset)
        self.message_user(
            request,
            ngettext("%(n)d delivery is sent again.", "%(n)d deliveries are sent again.", count)
            % {"n": count},
        )
