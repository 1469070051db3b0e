"""What subscribers hear, over real HTTP, checked by the specification's own library."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_messagecentral import send_message
from django_messagecentral.backends.locmem import Outbox
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.dispatch import dispatch
from django_messagecentral.campaigns.imports import run_import
from django_messagecentral.messaging.models import Message, Suppression
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.suppression import suppress
from django_messagecentral.messaging.transitions import move
from django_messagecentral.verification.service import check_verification, start_verification
from django_messagecentral.webhooks import outbox
from django_messagecentral.webhooks.models import WebhookDelivery
from tests.conftest import SheetMaker
from tests.webhooks.conftest import Receiver, Subscribe

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]

PHONE = "+919876543210"


def test_a_message_is_followed_to_its_end(receiver: Receiver, subscribe: Subscribe) -> None:
    _endpoint, secret = subscribe("message.status_changed")
    send_message(PHONE, "Packed")
    row = Message.objects.get()
    receive({"messageId": row.transaction_id, "mobile": PHONE[1:], "status": "DELIVRD"})
    processing.process_batch()
    heard = receiver.verified(secret)
    assert [event["type"] for event in heard] == ["message.status_changed"] * 2
    assert {(event["data"]["old_status"], event["data"]["status"]) for event in heard} == {
        ("sending", "submitted"),
        ("submitted", "delivered"),
    }
    assert heard[-1]["data"] == {
        "id": str(row.public_id),
        "campaign": None,
        "channel": "SMS",
        "old_status": "submitted",
        "status": "delivered",
        "cause": "callback",
    }
    assert heard[-1]["timestamp"].endswith("+00:00")
    assert receiver.requests[0].path == "/hook?site=7"
    assert receiver.requests[0].headers["content-type"] == "application/json"
    told = "".join(request.body for request in receiver.requests)
    assert not any(secret in told for secret in ("9876543210", "Packed"))


def test_a_campaign_tells_its_pause_and_its_end(
    receiver: Receiver, subscribe: Subscribe, make_sheet: SheetMaker
) -> None:
    _endpoint, secret = subscribe("campaign.paused", "campaign.completed")
    campaign = service.create_campaign(
        "Diwali", "Hello ##var##", file=make_sheet([[91, "9876543210", "Anita", 1, "x"]])
    )
    run_import(campaign.uploads.get().pk)
    campaign.refresh_from_db()
    service.launch(campaign)
    service.pause(campaign)
    service.resume(campaign)
    dispatch(campaign.pk)
    assert [(event["type"], event["data"]) for event in receiver.verified(secret)] == [
        (
            "campaign.paused",
            {"id": str(campaign.public_id), "channel": "SMS", "old_status": "sending", "cause": "asked"},
        ),
        (
            "campaign.completed",
            {"id": str(campaign.public_id), "channel": "SMS", "old_status": "sending", "cause": "done"},
        ),
    ]


def test_who_is_verified_is_told_without_number_or_code(
    receiver: Receiver, subscribe: Subscribe, messagecentral_outbox: Outbox
) -> None:
    _endpoint, secret = subscribe("verification.verified")
    started = start_verification(PHONE, subject="shop:1", purpose="signup")
    code = messagecentral_outbox.last_code(PHONE)
    assert started.verification
    check_verification(
        started.verification.public_id, "0" * 6 if code != "0" * 6 else "1" * 6, subject="shop:1"
    )
    assert receiver.requests == []
    assert check_verification(started.verification.public_id, code, subject="shop:1").ok
    (event,) = receiver.verified(secret)
    assert event["data"] == {
        "id": str(started.verification.public_id),
        "purpose": "signup",
        "proves": "phone",
        "user": None,
    }


def test_an_opt_out_is_told_once_whichever_door(
    receiver: Receiver, subscribe: Subscribe, admin_client: Any
) -> None:
    _endpoint, secret = subscribe("message.opted_out")
    row, _new = suppress(PHONE, source="keyword")
    suppress(PHONE, source="link")
    admin_client.post("/admin/messagecentral/suppression/add/", {"phone": "+919876543211", "channel": "RCS"})
    heard = receiver.verified(secret)
    assert heard[0]["data"] == {
        "id": str(row.public_id),
        "channel": None,
        "message_type": None,
        "source": "keyword",
    }
    other = Suppression.objects.get(channel="RCS")
    assert [event["data"]["id"] for event in heard] == [str(row.public_id), str(other.public_id)]
    assert "987654321" not in receiver.requests[1].body


def test_only_what_was_asked_for_and_what_was_committed(receiver: Receiver, subscribe: Subscribe) -> None:
    subscribe("campaign.paused")
    subscribe("message.opted_out", enabled=False)
    suppress(PHONE)
    assert not WebhookDelivery.objects.exists()
    subscribe("message.opted_out")
    with transaction.atomic():
        suppress("+919876543212")
        assert WebhookDelivery.objects.count() == 1
        assert receiver.requests == []  # nothing is sent inside a transaction
        transaction.set_rollback(True)
    assert not WebhookDelivery.objects.exists()
    assert receiver.requests == []


def queued(count: int) -> Any:
    Message.objects.bulk_create(Message(phone=f"+9198765{n:05}", status=Status.QUEUED) for n in range(count))
    return Message.objects.filter(status=Status.QUEUED)


def test_without_subscribers_many_changes_cost_one_query_in_five_seconds() -> None:
    rows = queued(2_000)
    outbox.forget_subscribers()
    with CaptureQueriesContext(connection) as asked:
        move(rows.filter(phone__lt="+919876501000"), Status.QUEUED, Status.CANCELLED, Cause.PLAN)
    with CaptureQueriesContext(connection) as remembered:
        move(rows, Status.QUEUED, Status.CANCELLED, Cause.PLAN)
    about = [query for query in asked.captured_queries if "webhook" in query["sql"]]
    assert len(about) == 1
    assert not [query for query in remembered.captured_queries if "webhook" in query["sql"]]


def test_an_endpoint_that_is_gone_undoes_nothing(receiver: Receiver, subscribe: Subscribe) -> None:
    endpoint, _secret = subscribe("message.status_changed")
    outbox.subscribers("message.status_changed")
    type(endpoint).objects.filter(pk=endpoint.pk)._raw_delete("default")  # as by another process
    move(queued(1), Status.QUEUED, Status.CANCELLED, Cause.PLAN)
    assert Message.objects.get().status == Status.CANCELLED
    assert receiver.requests == []
