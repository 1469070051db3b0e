"""What the site's Prometheus sees."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY, generate_latest

from django_messagecentral import send_message, signals
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.messaging.models import Message

pytestmark = pytest.mark.django_db(transaction=True)


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_messages_life_is_counted_without_its_number() -> None:
    sent = {"old": "sending", "new": "submitted", "cause": "owner"}
    delivered = {"old": "submitted", "new": "delivered", "cause": "callback"}
    name = "messagecentral_message_changes_total"
    before = (value(name, **sent), value(name, **delivered))
    reports = value("messagecentral_callbacks_total", status="delivered")
    seconds = value("messagecentral_delivery_seconds_sum")
    send_message("+919876543210", "Packed")
    dates = {"submitDate": "2026-11-02 13:59:18", "doneDate": "2026-11-02 13:59:22"}
    item = {"messageId": Message.objects.get().transaction_id, "mobile": "919876543210", **dates}
    receive({**item, "status": "DELIVRD"})
    receive({**item, "status": "DELIVRD"})
    receive({**item, "status": "MAYBE"})
    processing.process_batch()
    assert (value(name, **sent), value(name, **delivered)) == (before[0] + 1, before[1] + 1)
    assert value("messagecentral_callbacks_total", status="delivered") == reports + 1
    assert value("messagecentral_delivery_seconds_sum") == seconds + 4
    assert value("messagecentral_callbacks_total", status="other") >= 1
    assert b"9876543210" not in generate_latest()


def test_without_the_library_nothing_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    from django_messagecentral import metrics

    found: list[Any] = []
    monkeypatch.setattr("importlib.util.find_spec", lambda name: found.append(name))
    before = len(signals.callback_received.receivers)
    assert metrics.connect() is False
    assert (found, len(signals.callback_received.receivers)) == (["prometheus_client"], before)
