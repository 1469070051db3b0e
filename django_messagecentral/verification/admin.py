"""Verifications in the admin: looked at and never changed; a code, its hash or a proof is nowhere shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet, Value
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from django_messagecentral.admin_base import SEE_NUMBERS, MaskedPhoneMixin, ReadOnlyAdmin
from django_messagecentral.conf import app_settings
from django_messagecentral.phones import mask_numbers_in, mask_phone
from django_messagecentral.verification.guards import ledger
from django_messagecentral.verification.models import (
    Challenge,
    PhoneLedger,
    Refusal,
    SendBudget,
    Verification,
)


@admin.register(Verification)
class VerificationAdmin(MaskedPhoneMixin, ReadOnlyAdmin):
    list_display = ("created_at", "phone_shown", "purpose", "status", "reason_message", "user", "attempts")
    list_filter = ("status", "created_at")  # nothing that would scan the table for its values
    list_select_related = ("user", "challenge")
    search_fields = ("phone", "public_id")
    show_full_result_count = False
    fields = (
        "public_id",
        "phone_shown",
        "purpose",
        "status",
        "reason_message",
        "user",
        "channel",
        "locale",
        "sends",
        "attempts",
        "created_at",
        "expires_at",
        "resend_at",
        "verified_at",
        "consumed_at",
        "challenge",
    )


@admin.register(Challenge)
class ChallengeAdmin(MaskedPhoneMixin, ReadOnlyAdmin):
    list_display = ("created_at", "phone_shown", "channel", "mode", "status", "attempts", "error_shown")
    list_filter = ("status", "mode")
    search_fields = ("phone", "vendor_id", "transaction_id")
    show_full_result_count = False
    fields = (
        "phone_shown",
        "region",
        "purpose",
        "channel",
        "mode",
        "status",
        "vendor_id",
        "transaction_id",
        "code_length",
        "attempts",
        "created_at",
        "sent_at",
        "undelivered_at",
        "expires_at",
        "held_until",
        "error_shown",
    )

    @admin.display(description=_("error"))
    def error_shown(self, obj: Challenge) -> str:
        return mask_numbers_in(obj.error)


class LockedFilter(admin.SimpleListFilter):
    """Phones that are locked now."""

    title = _("lock")
    parameter_name = "locked"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("locked now"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[PhoneLedger]) -> QuerySet[PhoneLedger]:
        return queryset.filter(locked_until__gt=timezone.now()) if self.value() == "yes" else queryset


@admin.register(PhoneLedger)
class PhoneLedgerAdmin(MaskedPhoneMixin, ReadOnlyAdmin):
    list_display = (
        "phone_shown",
        "locked_until",
        "unlock_button",
        "whose",
        "sends_in_day",
        "wrong_in_hour",
        "verified_at",
    )
    list_filter = (LockedFilter,)
    search_fields = ("phone",)
    show_full_result_count = False
    actions = ("unlock",)
    fields = (
        "phone_shown",
        "whose",
        "sends_in_day",
        "wrong_in_hour",
        "lock_level",
        "locked_until",
        "verified_at",
        "unlock_button",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[PhoneLedger]:
        queryset: QuerySet[PhoneLedger] = super().get_queryset(request)
        return queryset.annotate(_may_unlock=Value(self.has_unlock_permission(request)))

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(require_POST(self.unlock_page))
        return [
            path("<int:pk>/unlock/", page, name="messagecentral_phoneledger_unlock"),
            *super().get_urls(),
        ]

    def unlock_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """One click beside the phone, in the list or on its page."""
        if not self.has_unlock_permission(request):
            raise PermissionDenied
        self.unlock(request, self.get_queryset(request).filter(pk=pk))
        return HttpResponseRedirect(reverse("admin:messagecentral_phoneledger_changelist"))

    @admin.display(description=_("unlock"))
    def unlock_button(self, obj: PhoneLedger) -> str:
        """The button is of the page's own form, which carries the CSRF token."""
        state = ledger.lately(obj)
        locked = obj.locked_until is not None and obj.locked_until > timezone.now()
        if not getattr(obj, "_may_unlock", False) or not (locked or state.sends or state.wrong):
            return "-"
        where = reverse("admin:messagecentral_phoneledger_unlock", args=[obj.pk])
        return format_html(
            '<button type="submit" class="button" formaction="{}">{}</button>', where, _("Unlock")
        )

    @admin.display(description=_("allowance of"))
    def whose(self, obj: PhoneLedger) -> str:
        return str(_("who has verified it before") if obj.holder else _("strangers"))

    @admin.display(description=_("codes sent in a day"))
    def sends_in_day(self, obj: PhoneLedger) -> str:
        return f"{len(ledger.lately(obj).sends)} / {app_settings.OTP_SENDS_PER_PHONE_DAY}"

    @admin.display(description=_("wrong codes in an hour"))
    def wrong_in_hour(self, obj: PhoneLedger) -> str:
        return f"{len(ledger.lately(obj).wrong)} / {app_settings.OTP_PHONE_WRONG_CODES_PER_HOUR}"

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("messagecentral.unlock_phone")

    @admin.action(description=_("Unlock these phones"), permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[PhoneLedger]) -> None:
        phones = sorted(set(queryset.values_list("phone", flat=True)))
        for phone in phones:
            ledger.unlock(phone)
            self.log_unlock(request, phone)
        message = ngettext("%(n)d phone was unlocked.", "%(n)d phones were unlocked.", len(phones))
        self.message_user(request, message % {"n": len(phones)})

    def log_unlock(self, request: HttpRequest, phone: str) -> None:
        """Who unlocked what is kept in the admin's own log."""
        for row in PhoneLedger.objects.filter(phone=phone):
            self.log_change(request, row, str(_("Unlocked.")))


@admin.register(Refusal)
class RefusalAdmin(ReadOnlyAdmin):
    list_display = ("last_at", "reason", "scope_shown", "count", "phone_shown", "last_ip", "dry_run")
    list_filter = ("reason", "dry_run", "hour")
    show_full_result_count = False
    fields = (
        "hour",
        "reason",
        "scope_shown",
        "count",
        "dry_run",
        "last_at",
        "phone_shown",
        "last_purpose",
        "last_ip",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Refusal]:
        queryset: QuerySet[Refusal] = super().get_queryset(request)
        return queryset.annotate(_in_full=Value(request.user.has_perm(SEE_NUMBERS)))

    @admin.display(description=_("what ran out"), ordering="scope")
    def scope_shown(self, obj: Refusal) -> str:
        return obj.scope if getattr(obj, "_in_full", False) else mask_numbers_in(obj.scope)

    @admin.display(description=_("last phone"))
    def phone_shown(self, obj: Refusal) -> str:
        return obj.last_phone if getattr(obj, "_in_full", False) else mask_phone(obj.last_phone)


@admin.register(SendBudget)
class SendBudgetAdmin(ReadOnlyAdmin):
    list_display = ("day", "scope", "used", "entered", "rate", "announced")
    list_filter = ("day",)
    fields = ("day", "scope", "used", "entered", "rate", "announced")

    @admin.display(description=_("codes entered"))
    def rate(self, obj: SendBudget) -> str:
        return f"{100 * obj.entered / obj.used:.0f} %" if obj.used else "-"
