"""Delivery reports in the admin: what came, and what became of it."""

from __future__ import annotations

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_messagecentral.admin_base import MaskedPhoneMixin, ReadOnlyAdmin
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.models import Callback


@admin.register(Callback)
class CallbackAdmin(MaskedPhoneMixin, ReadOnlyAdmin):
    list_display = (
        "received_at",
        "vendor_status",
        "phone_shown",
        "vendor_message_id",
        "state",
        "note",
        "done_at",
    )
    list_filter = ("state", "vendor_status")
    search_fields = ("phone", "vendor_message_id")
    show_full_result_count = False
    actions = ("try_again",)
    fields = (
        "vendor_status",
        "error_code",
        "phone_shown",
        "vendor_message_id",
        "message_shown",
        "state",
        "note",
        "submit_at",
        "done_at",
        "received_at",
        "remote_ip",
        "tries",
        "next_try_at",
        "payload_shown",
    )
    readonly_fields = ("message_shown", "payload_shown")

    @admin.display(description=_("message"))
    def message_shown(self, obj: Callback) -> str:
        return str(obj.message or "-")

    @admin.display(description=_("as received"))
    def payload_shown(self, obj: Callback) -> str:
        if not getattr(obj, "_in_full", False):
            return str(_("(only for those who may see phone numbers)"))
        return json.dumps(obj.payload, ensure_ascii=False, indent=2)

    @admin.action(description=_("Look for their messages again"), permissions=["view"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Callback]) -> None:
        open_states = (Callback.State.UNMATCHED, Callback.State.PARKED, Callback.State.PENDING)
        count = Callback.objects.filter(pk__in=queryset.values("pk"), state__in=open_states).update(
            state=Callback.State.PENDING, tries=0, next_try_at=timezone.now(), note=""
        )
        processing.call_worker()
        self.message_user(
            request,
            ngettext("%(n)d report is looked at again.", "%(n)d reports are looked at again.", count)
            % {"n": count},
        )
