"""Everything about one phone: given out, and erased."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns.models import CampaignUpload, RejectedRow
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.db import batched, in_transaction
from django_messagecentral.messaging.models import Attempt, InboundMessage, Message, MessageType, Suppression
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import move
from django_messagecentral.phones import vendor_pair
from django_messagecentral.privacy import verifications
from django_messagecentral.privacy.retention import delete_file
from django_messagecentral.verification.models import Challenge, PhoneLedger, Refusal, Verification
from django_messagecentral.verification.states import ChallengeStatus


class BeingSent(Exception):
    """A worker is sending to this phone, or reading a sheet that may hold it: try again in a minute."""


def _rows(queryset: QuerySet[Any], *names: str) -> list[dict[str, Any]]:
    return [{name: _plain(row[name]) for name in names} for row in queryset.order_by("pk").values(*names)]


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, str, list, dict)):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _rejected(phone: str) -> QuerySet[RejectedRow]:
    """Rows of sheets in which the number stands, with its country code or without. Reads all of them."""
    _code, national = vendor_pair(phone)
    return RejectedRow.objects.annotate(_cells=Cast("cells", TextField())).filter(_cells__contains=national)


def export(phone: str) -> dict[str, Any]:
    """All that is stored about ``phone`` (E.164), JSON-ready. Texts of one-time passwords are left out."""
    messages = Message.objects.filter(phone=phone)
    texts = _rows(
        messages.exclude(message_type=MessageType.OTP), "public_id", "text", "variables", "campaign__text"
    )
    return {
        "phone": phone,
        "messages": _rows(
            messages,
            "public_id",
            "campaign__name",
            "channel",
            "message_type",
            "sender_id",
            "purpose",
            "status",
            "error",
            "transaction_id",
            "created_at",
            "submitted_at",
            "done_at",
        ),
        "texts": texts,
        "attempts": _rows(
            Attempt.objects.filter(message__phone=phone),
            "message__public_id",
            "outcome",
            "detail",
            "started_at",
        ),
        "delivery_reports": _rows(Callback.objects.filter(phone=phone), "received_at", "payload"),
        "inbound": _rows(
            InboundMessage.objects.filter(phone=phone), "received_at", "channel", "text", "action"
        ),
        "opt_outs": _rows(
            Suppression.objects.filter(phone=phone),
            *("channel", "message_type", "source", "reason", "created_at"),
        ),
        "rejected_rows": _rows(_rejected(phone), "upload__original_name", "row_number", "cells", "reason"),
        "verifications": _rows(
            Verification.objects.filter(phone=phone),
            *("public_id", "purpose", "status", "reason", "proves", "user_id", "locale", "sends", "attempts"),
            *("created_at", "verified_at", "consumed_at"),
        ),
        "codes": _rows(
            Challenge.objects.filter(phone=phone),
            *("purpose", "channel", "mode", "status", "vendor_id", "transaction_id", "attempts", "error"),
            *("created_at", "sent_at", "undelivered_at", "expires_at"),
        ),
        "allowances": _rows(
            PhoneLedger.objects.filter(phone=phone),
            *("sends", "wrong", "lock_level", "locked_until", "verified_at"),
        ),
        "refusals": _rows(
            _refusals(phone), *("hour", "reason", "count", "last_at", "last_purpose", "last_ip", "dry_run")
        ),
        "devices": [row for rows in _devices(phone) for row in _rows(rows, "name", "user_id", "confirmed")],
    }


def _refusals(phone: str) -> QuerySet[Refusal]:
    return Refusal.objects.filter(Q(last_phone=phone) | Q(scope__in=[phone, f"phone:{phone}"]))


def _devices(phone: str) -> list[QuerySet[Any]]:
    """Of django-otp, where its adapter is installed."""
    if not apps.is_installed("django_messagecentral.verification.adapters.otp"):
        return []
    from django_messagecentral.verification.adapters.otp.models import MessageCentralDevice

    return [MessageCentralDevice._default_manager.filter(number=phone)]


def erase(phone: str, *, forget_opt_outs: bool = False) -> dict[str, int]:
    """Forget ``phone`` (E.164); how many rows by kind. Raises :class:`BeingSent`.

    Messages, verifications and codes stay as counted rows without number, text, variables and the vendor's
    ids; what still waited is cancelled. A device of django-otp with this number is deleted. Opt-outs are
    kept unless ``forget_opt_outs``: without them the phone would be written to again by the next sheet.
    Spreadsheets that held the number are deleted from the storage.
    """
    messages = Message.objects.filter(phone=phone)
    if messages.filter(status=Status.SENDING).exists():
        raise BeingSent("A message to this phone is being sent at this moment: try again in a minute.")
    reading = (CampaignUpload.Status.PENDING, CampaignUpload.Status.IMPORTING)
    if CampaignUpload.objects.filter(
        status__in=reading, campaign__status=CampaignStatus.IMPORTING
    ).exists():  # it may hold the number, and would bring it back
        raise BeingSent("A spreadsheet is being read at this moment: try again when it is imported.")
    sending = Q(status=ChallengeStatus.SENDING, held_until__gt=timezone.now())
    if Challenge.objects.filter(sending, living_key=phone).exists():
        raise BeingSent("A code is being sent to this phone at this moment: try again in a minute.")
    for status in (Status.DRAFT, Status.QUEUED):
        move(messages.all(), status, Status.CANCELLED, Cause.PLAN)
    uploads = _uploads(phone)  # read before the rows forget where they came from
    counts = _erase_rows(phone, forget_opt_outs)
    for upload in uploads:
        delete_file(upload)
    return {**counts, "files": len(uploads)}


def _uploads(phone: str) -> list[CampaignUpload]:
    with_phone = Q(messages__phone=phone) | Q(pk__in=_rejected(phone).values("upload"))
    ended = (CampaignUpload.Status.DONE, CampaignUpload.Status.FAILED)
    return list(CampaignUpload.objects.filter(with_phone, status__in=ended).exclude(file="").distinct())


@in_transaction(Message)
def _erase_rows(phone: str, forget_opt_outs: bool) -> dict[str, int]:
    ids = list(
        Message.objects.filter(phone=phone).exclude(status=Status.SENDING).values_list("pk", flat=True)
    )
    codes = list(Challenge.objects.filter(phone=phone).values_list("pk", flat=True))
    of_phone = Q(phone=phone) | Q(message__in=ids) | Q(challenge__in=codes)
    callbacks = verifications.forget_reports(
        list(Callback.objects.filter(of_phone).values_list("pk", flat=True))
    )
    _anonymise(ids)
    return {
        "messages": len(ids),
        "delivery reports": callbacks,
        "inbound": InboundMessage.objects.filter(phone=phone).delete()[0],
        "rejected rows": _forget_cells(_rejected(phone).values_list("pk", flat=True)),
        "verifications": verifications.forget_verifications(
            list(Verification.objects.filter(phone=phone).values_list("pk", flat=True))
        ),
        "codes": verifications.forget_codes(codes),
        "allowances": PhoneLedger.objects.filter(phone=phone).delete()[0],
        "refusals": verifications.fold_refusals(list(_refusals(phone).values_list("pk", flat=True))),
        "devices": sum(rows.delete()[0] for rows in _devices(phone)),
        "opt-outs": Suppression.objects.filter(phone=phone).delete()[0] if forget_opt_outs else 0,
    }


def _anonymise(ids: list[int]) -> None:
    Attempt.objects.filter(message__in=ids).update(detail="", transaction_id="")
    for pk in ids:  # a campaign has each phone once, so each row needs an empty name of its own
        Message.objects.filter(pk=pk).update(
            phone=f"x{pk}"[:16],
            text="",
            variables=[],
            error="",
            transaction_id="",
            vendor_message_id="",
            idempotency_key=None,
        )


def _forget_cells(ids: Iterable[int]) -> int:
    return sum(RejectedRow.objects.filter(pk__in=batch).update(cells=[]) for batch in batched(ids, 500))
