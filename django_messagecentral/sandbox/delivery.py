"""How a text's delivery is reported: which status, when, how often (vendor document, SMS Callback)."""

from __future__ import annotations

from typing import Any

from .clock import WireTime
from .config import STATUSES, Config, pick
from .draw import Draw
from .magic import magic_of
from .model import Message, Report

# The document shows only errorCode 0 with DELIVRD. The others are the sandbox's own.
ERROR_CODES = {"DELIVRD": 0, "UNDELIV": 27, "EXPIRED": 31, "REJECTD": 69, "UNKNOWN": 99}


def plan(config: Config, draw: Draw, message: Message, callback_id: str, sent_at: float) -> list[Report]:
    """The reports a text will have. ``sent_at`` is when the send's answer goes out (seconds, UTC)."""
    magic = magic_of(message.mobile)
    flaw = pick(draw.unit(2), config.callback_flaws, "")
    status = pick(draw.unit(0), config.delivery, "DELIVRD")
    if magic is not None and magic.on == "report":
        flaw, status = ("", magic.does) if magic.does in STATUSES else (magic.does, "DELIVRD")
    if flaw == "never":
        return []
    delay = config.callback_delay.sample(draw.unit(1))
    due = sent_at + delay
    if flaw == "late":
        due += config.late_seconds
    elif flaw == "early":
        due = message.received_at
    first = make_report(message, callback_id, status, due_at=due, done_at=due)
    if flaw == "twice":
        again = make_report(message, callback_id, status, due_at=due + 0.2, done_at=due)
        return [first, again]
    if flaw == "out_of_order":
        first.done_at = due + 2
        earlier = make_report(message, callback_id, "UNDELIV", due_at=due + 0.5, done_at=due)
        return [first, earlier]
    return [first]


def make_report(message: Message, callback_id: str, status: str, *, due_at: float, done_at: float) -> Report:
    """A report of one status; its id is given when it is added."""
    error = ERROR_CODES[status]
    return Report(
        0, message.id, message.mobile, callback_id, status, error, due_at, message.received_at, done_at
    )


def payload(report: Report, wire_time: WireTime) -> dict[str, Any]:
    """The document's JSON: mobile with its country code and no plus, dates without a zone."""
    return {
        "apiKey": None,
        "clientId": None,
        "messageId": report.callback_id,
        "status": report.status,
        "errorCode": report.error_code,
        "countryCode": None,
        "mobile": report.mobile,
        "submitDate": wire_time.write(report.submit_at),
        "doneDate": wire_time.write(report.done_at),
    }
