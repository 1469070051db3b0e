"""Reports about one-time codes reach the code, and never a message or a person's desk."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from django_messagecentral.callbacks.conversion import conversion
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.messaging.states import Status
from django_messagecentral.verification.models import Challenge
from tests.callbacks.test_reconciliation import PHONE, fate, message, process, report

pytestmark = [pytest.mark.django_db, pytest.mark.db]


def code(transaction_id: str, **fields: Any) -> Challenge:
    now = timezone.now()
    wanted = {
        "phone": PHONE,
        "region": "IN",
        "mode": "vendor",
        "status": "living",
        "purpose": "login",
        "subject": "u:1",
        "channel": "SMS",
        "code_length": 6,
        "sent_at": now,
        "expires_at": now,
        "held_until": now,
    }
    return Challenge.objects.create(**{**wanted, "transaction_id": transaction_id, **fields})


def test_a_codes_report_is_the_codes_and_settles_no_message_of_that_phone() -> None:
    row, sent = message(transaction_id="ours"), code("otp-1")
    receive(report(message_id="otp-1"))
    process()
    callback = Callback.objects.get()
    assert (callback.state, callback.challenge, callback.message) == (Callback.State.APPLIED, sent, None)
    assert fate(row) == Status.SUBMITTED


def test_a_report_that_comes_before_the_codes_own_answer() -> None:
    receive(report(message_id="otp-1"))
    process()
    sent = code("otp-1")
    process()
    assert Callback.objects.get().challenge == sent


def test_while_a_code_is_being_sent_its_report_is_not_taken_for_a_messages() -> None:
    row, sending = message(transaction_id="ours"), code("", status="sending")
    receive(report(message_id="otp-1"))
    process()
    assert fate(row) == Status.SUBMITTED
    Challenge.objects.filter(pk=sending.pk).update(transaction_id="otp-1", status="living")
    process()
    assert Callback.objects.get().challenge == sending
    assert fate(row) == Status.SUBMITTED


@pytest.mark.parametrize("report_comes", ["after the send's own answer", "before it"])
def test_the_fallback_hears_of_an_undelivered_code(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any, report_comes: str
) -> None:
    from django_messagecentral.verification import tasks

    fell_back: set[int] = set()
    monkeypatch.setattr(tasks.fall_back, "delay", fell_back.add)
    is_early = report_comes == "before it"
    sent = code("" if is_early else "otp-1", mode="own", purpose="signup")
    with django_capture_on_commit_callbacks(execute=True):
        receive(report("UNDELIV", message_id="otp-1"))
    assert fell_back == (set() if is_early else {sent.pk})
    Challenge.objects.filter(pk=sent.pk).update(transaction_id="otp-1")
    with django_capture_on_commit_callbacks(execute=True):
        process()
    assert fell_back == {sent.pk}


def test_conversion_by_channel_country_and_hour() -> None:
    code("a", status="used")
    code("b")
    code("c", channel="WHATSAPP")
    code("d", status="unsent")
    code("e", mode="decoy")
    code("f", sent_at=timezone.now() - timedelta(hours=30))
    receive([report(message_id="a"), report("UNDELIV", message_id="b"), report(message_id="a", done=9)])
    process()
    rows = conversion(timezone.now() - timedelta(hours=24), timezone.now() + timedelta(seconds=1))
    found = [(row.channel, row.country, row.sent, row.delivered, row.entered) for row in rows]
    assert found == [("SMS", "IN", 2, 1, 1), ("WHATSAPP", "IN", 1, 0, 0)]
    out = io.StringIO()
    call_command("messagecentral_conversion", json=True, stdout=out)
    assert [row["sent"] for row in json.loads(out.getvalue())] == [2, 1]
