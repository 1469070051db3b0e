"""Messages, opt-outs and rates in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError
from django.forms import ModelForm, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from django_messagecentral.admin_base import SEE_NUMBERS, InternalAdmin, MaskedPhoneMixin, ReadOnlyAdmin
from django_messagecentral.conf import app_settings
from django_messagecentral.messaging import suppression
from django_messagecentral.messaging.models import (
    Attempt,
    CampaignCounter,
    CounterDelta,
    InboundMessage,
    Message,
    MessageType,
    Pace,
    Suppression,
)
from django_messagecentral.messaging.routing.models import Hop
from django_messagecentral.phones import InvalidPhone, parse_phone


class AttemptInline(admin.TabularInline):
    model = Attempt
    fields = (
        "outcome",
        "code",
        "http_status",
        "detail",
        "transaction_id",
        "worker",
        "started_at",
        "finished_at",
    )
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class HopInline(admin.TabularInline):
    model = Hop
    fk_name = "first"
    fields = ("channel", "cause", "message", "policy", "due_at", "created_at")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(MaskedPhoneMixin, ReadOnlyAdmin):
    list_display = (
        "public_id",
        "phone_shown",
        "channel",
        "message_type",
        "status",
        "segments",
        "campaign",
        "updated_at",
    )
    list_filter = ("status", "channel", "message_type")
    list_select_related = ("campaign",)
    search_fields = ("phone", "transaction_id", "public_id")
    show_full_result_count = False  # it would count millions of rows for each page
    inlines = (AttemptInline, HopInline)
    fieldsets = (
        (None, {"fields": ("public_id", "phone_shown", "region", "status", "error_code", "error")}),
        (_("What it says"), {"fields": ("campaign", "row_number", "text_shown", "segments", "cost")}),
        (
            _("How it goes"),
            {"fields": ("channel", "message_type", "sender_id", "template_id", "entity_id", "follows")},
        ),
        (
            _("On the way"),
            {
                "fields": (
                    "transaction_id",
                    "vendor_message_id",
                    "attempt_count",
                    "created_at",
                    "not_before",
                    "submitted_at",
                    "done_at",
                    "updated_at",
                )
            },
        ),
    )

    @admin.display(description=_("follows"))
    def follows(self, obj: Message) -> str:
        """The first message of its chain, where it is not that itself."""
        hop = Hop.objects.filter(message=obj.pk).exclude(first=obj.pk).select_related("first").first()
        if hop is None:
            return "-"
        url = reverse(f"{self.admin_site.name}:messagecentral_message_change", args=[hop.first_id])
        return format_html('<a href="{}">{}</a> ({})', url, hop.first.public_id, hop.get_cause_display())

    @admin.display(description=_("text"))
    def text_shown(self, obj: Message) -> str:
        if obj.message_type == MessageType.OTP:
            return str(_("(hidden: it may hold a one-time password)"))
        if obj.campaign_id is None or obj.campaign is None:
            return obj.text
        return f"{obj.campaign.text} {obj.variables if getattr(obj, '_in_full', False) else ''}".strip()


SAID_ALREADY = _(
    "This phone has opted out of this channel and type already: there is another row that says so."
)


class SuppressionForm(ModelForm):
    def clean_phone(self) -> str:
        try:
            return parse_phone(self.cleaned_data["phone"], region=app_settings.DEFAULT_REGION).e164
        except InvalidPhone as error:
            raise ValidationError(error.reason) from None

    def clean(self) -> dict[str, Any]:
        """A form without the phone, for who may not see it, is compared with the row's own: of a field that
        is not in the form Django asks nothing.
        """
        cleaned: dict[str, Any] = super().clean() or {}
        if "phone" not in self.fields and not self.errors:
            key = {
                name: cleaned.get(name, getattr(self.instance, name)) for name in ("channel", "message_type")
            }
            same = Suppression.objects.filter(phone=self.instance.phone, **key)
            if same.exclude(pk=self.instance.pk).exists():
                raise ValidationError(SAID_ALREADY)
        return cleaned


@admin.register(Suppression)
class SuppressionAdmin(MaskedPhoneMixin, admin.ModelAdmin):
    form = SuppressionForm
    list_display = ("phone_shown", "channel", "message_type", "source", "reason", "created_at")
    list_filter = ("channel", "message_type", "source")
    search_fields = ("phone",)
    readonly_fields = ("created_at",)

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            suppression.tell(obj)

    def get_fields(self, request: HttpRequest, obj: Suppression | None = None) -> Any:
        phone = "phone" if obj is None or request.user.has_perm(SEE_NUMBERS) else "phone_shown"
        return [phone, "channel", "message_type", "source", "reason", "created_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Suppression | None = None) -> list[str]:
        return ["created_at", "phone_shown"]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Two people who say the same at once: the database lets one through, and the other is told."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            self.message_user(request, str(SAID_ALREADY), messages.ERROR)
            return HttpResponseRedirect(request.path)


@admin.register(InboundMessage)
class InboundMessageAdmin(MaskedPhoneMixin, ReadOnlyAdmin):
    list_display = ("received_at", "phone_shown", "channel", "action", "text")
    list_filter = ("action", "channel")
    search_fields = ("phone",)
    show_full_result_count = False
    fields = ("received_at", "phone_shown", "channel", "text", "action")


@admin.register(Attempt)
class AttemptAdmin(InternalAdmin):
    list_display = ("id", "outcome", "code", "http_status", "detail", "worker", "started_at", "finished_at")
    list_filter = ("outcome",)
    raw_id_fields = ("message",)
    show_full_result_count = False


@admin.register(Hop)
class HopAdmin(InternalAdmin):
    list_display = ("id", "first", "message", "channel", "cause", "policy", "due_at", "created_at")
    list_filter = ("cause", "channel")
    list_select_related = ("first", "message")
    raw_id_fields = ("first", "message")
    show_full_result_count = False


@admin.register(Pace)
class PaceAdmin(InternalAdmin):
    list_display = ("key", "next_free", "blocked_until")


@admin.register(CampaignCounter)
class CampaignCounterAdmin(InternalAdmin):
    list_display = ("campaign", "name", "value")
    list_select_related = ("campaign",)


@admin.register(CounterDelta)
class CounterDeltaAdmin(InternalAdmin):
    list_display = ("id", "campaign", "name", "value")
    list_select_related = ("campaign",)
    show_full_result_count = False
