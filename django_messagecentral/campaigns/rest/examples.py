"""Examples of the OpenAPI document."""

from __future__ import annotations

from typing import Any

CAMPAIGN: dict[str, Any] = {
    "id": "0d7a3c1e-5a3f-4a52-9a56-0f6f9b1f5b11",
    "name": "Diwali",
    "text": "Hello ##name##, 20 % off until Sunday.",
    "channel": "SMS",
    "message_type": "PROMOTIONAL",
    "sender_id": "MYBRND",
    "template_id": "",
    "entity_id": "",
    "mode": "",
    "routing": "",
    "pace": 20.0,
    "status": "ready",
    "status_reason": "",
    "scheduled_at": None,
    "ends_at": None,
    "created_at": "2030-01-01T12:00:00Z",
    "launched_at": None,
    "completed_at": None,
}
CREATE = {"name": "Diwali", "text": "Hello ##name##, 20 % off until Sunday.", "message_type": "PROMOTIONAL"}
UPLOAD: dict[str, Any] = {
    "id": "7b1f6c1a-2f47-4a0f-9d8c-3d3a3a0c7e55",
    "original_name": "customers.xlsx",
    "status": "done",
    "columns": ["name"],
    "total_rows": 3,
    "rows_read": 2,
    "accepted": 1,
    "rejected": 1,
    "duplicates": 0,
    "suppressed": 0,
    "problems": [{"code": "too_short", "rows": 1, "row": 3, "reason": "The number is too short."}],
    "error": "",
    "created_at": "2030-01-01T12:00:00Z",
    "finished_at": "2030-01-01T12:00:02Z",
}
REJECTED: dict[str, Any] = {
    "upload": "7b1f6c1a-2f47-4a0f-9d8c-3d3a3a0c7e55",
    "row_number": 3,
    "code": "too_short",
    "reason": "The number is too short.",
    "cells": ["91", "12", "Asha"],
}
UNCONFIRMED: dict[str, Any] = {
    "ready": 3,
    "too_fresh": 0,
    "wait": 0.0,
    "resend": {
        "allowed": True,
        "warning": "Diwali: 3 messages are unconfirmed and some of them may have been received. …",
    },
    "give_up": {"allowed": True, "warning": "Diwali: 3 unconfirmed messages will count as failed …"},
}
PREVIEW: dict[str, Any] = {
    "phone": "+91••••••3210",
    "text": "Hello Asha, 20 % off until Sunday.",
    "encoding": "GSM-7",
    "segments": 1,
}
