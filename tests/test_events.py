"""What the structured log tells, and what it never does."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_messagecentral import events, send_message
from django_messagecentral.backends.locmem import Outbox
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.dispatch import dispatch
from django_messagecentral.campaigns.imports import run_import
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.sweep import sweep
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import move
from django_messagecentral.verification.service import (
    cancel_verification,
    check_verification,
    start_verification,
)
from tests.conftest import SheetMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]

PHONE, OTHER = "+919876543210", "+919876543211"
SECRETS = ("9876543210", "9876543211", "919876", "Anita", "Packed", "Diwali")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Any:
    """``told()``: the events so far as a JSON formatter writes them."""
    monkeypatch.setattr(service, "call_pullers", lambda campaign_id: None)
    caplog.set_level(logging.DEBUG, events.logger.name)
    usual = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

    def read(event: str = "") -> list[dict[str, Any]]:
        records = [record for record in caplog.records if record.name == events.logger.name]
        lines = [
            {
                "level": record.levelname,
                "text": record.getMessage(),
                **{key: value for key, value in vars(record).items() if key not in usual},
            }
            for record in records
        ]
        return [line for line in json.loads(json.dumps(lines)) if event in ("", line["event"])]

    return read


def make_campaign(make_sheet: SheetMaker, count: int = 1) -> Campaign:
    sheet = make_sheet([[91, f"98765432{n:02}", "Anita", n, "x"] for n in range(10, 10 + count)])
    campaign = service.create_campaign("Diwali", "Hello ##var##", file=sheet)
    run_import(campaign.uploads.get().pk)
    campaign.refresh_from_db()
    return campaign


def test_a_messages_life_is_one_record_a_change(told: Any) -> None:
    send_message(PHONE, "Packed")
    row = Message.objects.get()
    receive({"messageId": row.transaction_id, "mobile": PHONE[1:], "status": "DELIVRD"})
    processing.process_batch()
    found = told("message.status_changed")
    assert [(line["old"], line["new"], line["cause"]) for line in found] == [
        ("draft", "queued", "plan"),
        ("queued", "sending", "owner"),
        ("sending", "submitted", "owner"),
        ("submitted", "delivered", "callback"),
    ][-len(found) :]
    assert found[-1].pop("at").endswith("+00:00")
    assert found[-1] == {
        "level": "INFO",
        "text": "message.status_changed",
        "event": "message.status_changed",
        "message_id": str(row.public_id),
        "campaign_id": None,
        "channel": "SMS",
        "old": "submitted",
        "new": "delivered",
        "cause": "callback",
    }
    assert {line["new"]: line["level"] for line in found}["sending"] == "DEBUG"


def test_a_campaigns_life_names_who_moved_it(told: Any, make_sheet: SheetMaker) -> None:
    campaign = service.launch(make_campaign(make_sheet, 2))
    service.pause(campaign, "Anita said so")
    service.resume(campaign)
    dispatch(campaign.pk)
    changes = [
        (line["old"], line["new"], line["cause"], line["level"]) for line in told("campaign.status_changed")
    ]
    assert changes == [
        ("draft", "importing", "asked", "INFO"),
        ("importing", "ready", "import", "INFO"),
        ("ready", "sending", "asked", "INFO"),
        ("sending", "paused", "asked", "INFO"),
        ("paused", "sending", "asked", "INFO"),
        ("sending", "completed", "done", "INFO"),
    ]
    ids = {line["campaign_id"] for line in told()}
    assert ids == {str(campaign.public_id)}
    assert not any(secret in json.dumps(told()) for secret in SECRETS)


def test_a_pause_nobody_asked_for_is_a_warning(told: Any, make_sheet: SheetMaker) -> None:
    campaign = service.launch(make_campaign(make_sheet))
    long_ago = campaign.launched_at.replace(year=2020) if campaign.launched_at else None
    Campaign.objects.filter(pk=campaign.pk).update(heartbeat_at=long_ago)
    sweep()
    last = told("campaign.status_changed")[-1]
    assert (last["new"], last["cause"], last["level"]) == ("paused", "sweep", "WARNING")


def test_verifications_tell_their_end_and_never_a_code(told: Any, messagecentral_outbox: Outbox) -> None:
    first = start_verification(PHONE, subject="shop:1")
    code = messagecentral_outbox.last_code(PHONE)
    assert first.verification
    checked = check_verification(first.verification.public_id, code, subject="shop:1")
    assert checked.ok
    second = start_verification(OTHER, subject="shop:2")
    assert second.verification
    cancel_verification(second.verification.public_id, subject="shop:2")
    found = told("verification.status_changed")
    assert [(line["old"], line["new"], line["cause"]) for line in found] == [
        ("pending", "verified", "verified"),
        ("pending", "cancelled", "cancelled"),
    ]
    assert [line["verification_id"] for line in found] == [
        str(first.verification.public_id),
        str(second.verification.public_id),
    ]
    assert found[0]["purpose"] == "default"
    assert not any(secret in json.dumps(found) for secret in (code, checked.proof, *SECRETS))


def test_a_rolled_back_change_is_not_told(told: Any) -> None:
    with transaction.atomic():
        row = Message.objects.create(phone=PHONE, text="Packed", status=Status.DRAFT)
        move(Message.objects.filter(pk=row.pk), Status.DRAFT, Status.QUEUED, Cause.PLAN)
        transaction.set_rollback(True)
    assert told() == []


def test_with_the_level_off_nothing_is_built(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, make_sheet: SheetMaker
) -> None:
    monkeypatch.setattr(service, "call_pullers", lambda campaign_id: None)
    campaign = make_campaign(make_sheet, 30)
    built: list[object] = []
    monkeypatch.setattr(events, "_tell", lambda *args: built.append(args))
    drafts = Message.objects.filter(campaign=campaign)
    events._campaigns.clear()
    caplog.set_level(logging.WARNING, events.logger.name)
    with CaptureQueriesContext(connection) as quiet:
        move(drafts, Status.DRAFT, Status.QUEUED, Cause.PLAN)
    assert built == []
    caplog.set_level(logging.INFO, events.logger.name)  # the changes that are no news stay unbuilt too
    with CaptureQueriesContext(connection) as informed:
        move(drafts, Status.QUEUED, Status.CANCELLED, Cause.PLAN)
    assert len(built) == 30
    assert len(informed) == len(quiet) + 1  # the campaign's public id, once
