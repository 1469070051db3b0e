"""Examples of the OpenAPI document."""

from __future__ import annotations

from typing import Any

SEND = {"to": "+91 98765 43210", "text": "Order 7 is packed", "purpose": "orders"}
MESSAGE: dict[str, Any] = {
    "id": "0b8d1f3c-3f21-4cf5-9b57-1b6a0e5e7f10",
    "phone": "+91••••••3210",
    "region": "IN",
    "campaign": None,
    "text": "Order 7 is packed",
    "channel": "SMS",
    "message_type": "TRANSACTION",
    "sender_id": "MYBRND",
    "purpose": "orders",
    "status": "queued",
    "segments": 1,
    "cost": None,
    "transaction_id": "",
    "error_code": "",
    "error": "",
    "created_at": "2030-01-01T12:00:00Z",
    "submitted_at": None,
    "done_at": None,
    "updated_at": "2030-01-01T12:00:00Z",
}
DETAIL: dict[str, Any] = MESSAGE | {
    "status": "delivered",
    "cost": "0.120000",
    "transaction_id": "a2e8c1f0",
    "submitted_at": "2030-01-01T12:00:01Z",
    "done_at": "2030-01-01T12:00:04Z",
    "updated_at": "2030-01-01T12:00:05Z",
    "attempts": [
        {
            "outcome": "accepted",
            "code": 200,
            "http_status": 200,
            "detail": "",
            "transaction_id": "a2e8c1f0",
            "started_at": "2030-01-01T12:00:00Z",
            "finished_at": "2030-01-01T12:00:01Z",
        }
    ],
    "events": [
        {
            "status": "delivered",
            "vendor_status": "DELIVRD",
            "error_code": "0",
            "message_id": "a2e8c1f0",
            "submitted_at": "2030-01-01T12:00:01Z",
            "done_at": "2030-01-01T12:00:04Z",
            "received_at": "2030-01-01T12:00:05Z",
        }
    ],
    "hops": [],
}
SUPPRESSION: dict[str, Any] = {
    "id": "c9d2b1a0-6f5e-4d3c-8b2a-1f0e9d8c7b6a",
    "phone": "+91••••••3210",
    "channel": "",
    "message_type": "PROMOTIONAL",
    "source": "api",
    "reason": "asked by phone",
    "created_at": "2030-01-01T12:00:00Z",
}
INBOUND: dict[str, Any] = {
    "id": "e1b6f3d2-8c7a-4b59-9d3e-2a1c0f9e8d7c",
    "phone": "+91••••••3210",
    "channel": "SMS",
    "text": "STOP",
    "action": "out",
    "received_at": "2030-01-01T12:00:00Z",
}
