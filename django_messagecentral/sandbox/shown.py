"""The things the sandbox remembers as JSON for the control API."""

from __future__ import annotations

from typing import Any

from .clock import WireTime, iso
from .delivery import payload
from .model import Message, Report
from .texts import segments


def message_json(message: Message) -> dict[str, Any]:
    """One text that a phone received."""
    return {
        "id": message.id,
        "mobile": message.mobile,
        "text": message.text,
        "otp": message.otp,
        "sender": message.sender,
        "channel": message.channel,
        "received_at": iso(message.received_at),
        "kind": message.kind,
        "message_type": message.message_type,
        "segments": segments(message.text, message.channel),
        "verification_id": message.verification_id,
        "transaction_id": message.transaction_id,
        "status": message.status,
        "call": message.call_id,
        "callbacks": [report.id for report in message.reports],
    }


def report_json(report: Report, wire_time: WireTime) -> dict[str, Any]:
    """One delivery report with what its POSTs got back."""
    return {
        "id": report.id,
        "message": report.message_id,
        "state": report.state,
        "due_at": iso(report.due_at),
        "payload": payload(report, wire_time),
        "attempts": [
            {
                "at": iso(attempt.at),
                "http_status": attempt.http_status,
                "said": attempt.said,
                "seconds": round(attempt.seconds, 4),
            }
            for attempt in report.attempts
        ],
    }
