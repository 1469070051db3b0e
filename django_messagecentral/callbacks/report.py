"""One delivery report, normalised: whatever spelling and types the vendor's JSON came in.

Payload (vendor document, "SMS Callback Integration")::

    {"apiKey": null, "clientId": null, "messageId": "a2e8...", "status": "DELIVRD", "errorCode": 0,
     "countryCode": null, "mobile": "919999999999", "submitDate": "2023-11-02 13:59:18",
     "doneDate": "2023-11-02 13:59:22"}
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dateparse import parse_datetime

from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.states import Status
from django_messagecentral.phones import from_vendor

STATUS_OF: dict[str, Status] = {
    "DELIVRD": Status.DELIVERED,
    "UNDELIV": Status.UNDELIVERED,
    "EXPIRED": Status.EXPIRED,
    "REJECTD": Status.REJECTED,
    "UNKNOWN": Status.UNKNOWN,
}


def status_of(vendor_status: str) -> Status | None:
    """The message status that the vendor's word means; None for a spelling this version does not know."""
    return STATUS_OF.get(vendor_status.upper())


@dataclass(frozen=True, slots=True)
class DeliveryEvent:
    """One delivery report as receivers of ``callback_received`` get it, in one shape for every spelling.

    ``message_id``
        The vendor's ``messageId``, as a rule the send's transaction id; empty where absent. Recipients of one
        bulk call share it.
    ``phone``
        E.164 with the plus; empty where absent or unreadable.
    ``status``
        ``delivered``, ``undelivered``, ``expired``, ``rejected`` or ``unknown``
        (:class:`~django_messagecentral.messaging.states.Status`); None for a word of the vendor's that this
        version does not know.
    ``vendor_status``, ``error_code``
        As the vendor wrote them; an error code of 0 means none.
    ``submitted_at``, ``done_at``, ``received_at``
        Aware datetimes: taken by the carrier, settled by the carrier, arrived here. The first two are None
        where absent or unreadable.
    ``payload``
        The item of JSON as received.
    """

    message_id: str
    phone: str
    status: Status | None
    vendor_status: str
    error_code: str
    submitted_at: datetime | None
    done_at: datetime | None
    received_at: datetime
    payload: Any = field(repr=False)  # holds the number in clear


@dataclass(frozen=True, slots=True)
class DeliveryReport:
    """One item of JSON, read. Times are aware; None where absent or unreadable."""

    message_id: str
    phone: str
    vendor_status: str
    error_code: str
    submit_at: datetime | None
    done_at: datetime | None
    fingerprint: str

    @property
    def is_readable(self) -> bool:
        """Whether it says which message and what became of it."""
        return bool(self.vendor_status and (self.message_id or self.phone))


def _text(value: Any, limit: int) -> str:
    if value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().replace("\x00", "")[:limit]


def _phone(item: dict[str, Any]) -> str:
    mobile = _text(item.get("mobile"), 40)
    phone = from_vendor(mobile)
    if phone is None and (country := _text(item.get("countryCode"), 8)):
        phone = from_vendor(country.lstrip("+") + mobile)
    return phone or ""


def _moment(value: Any) -> datetime | None:
    try:
        moment = parse_datetime(_text(value, 40))
    except ValueError:  # a well-formed date that does not exist
        return None
    if moment is None:
        return None
    # Other systems' "no date" (year 1, year 9999) overflows in another zone, and no carrier means it.
    if not 2000 <= moment.year <= 2100:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(app_settings.WEBHOOK_TIME_ZONE))


def parse_report(item: Any) -> DeliveryReport:
    """Read any JSON value; what is no report comes back unreadable, never as an exception."""
    fields: dict[str, Any] = item if isinstance(item, dict) else {}
    message_id = _text(fields.get("messageId"), 64)
    status = _text(fields.get("status"), 40)
    error_code = _text(fields.get("errorCode"), 20)
    phone = _phone(fields)
    if status and (message_id or phone):
        identity: Any = [
            message_id,
            phone or _text(fields.get("mobile"), 40),  # with a plus or without it is the same number
            status,
            error_code,
            _text(fields.get("doneDate"), 40),
        ]
    else:
        identity = item
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"))
    return DeliveryReport(
        message_id=message_id,
        phone=phone,
        vendor_status=status,
        error_code=error_code,
        submit_at=_moment(fields.get("submitDate")),
        done_at=_moment(fields.get("doneDate")),
        fingerprint=hashlib.sha256(canonical.encode()).hexdigest(),
    )
