"""Subscribers of the site hear what happened, through a real broker and past a dead worker."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from django_messagecentral.webhooks import outbox, service
from django_messagecentral.webhooks.models import WebhookDelivery
from tests.house import House
from tests.webhooks.conftest import Receiver, receiver  # noqa: F401 (a fixture)
from tests.workers import flush_broker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server_database,
    pytest.mark.broker,
    pytest.mark.chaos_short,
    pytest.mark.timeout(300),
]


def test_a_subscriber_hears_of_everybody_though_a_worker_and_its_tasks_are_lost(
    house: House,
    receiver: Receiver,  # noqa: F811
    settings: Any,
) -> None:
    settings.DEBUG = True  # http is for a developer's machine only
    house.tune(OUTGOING_ALLOWED_NETWORKS=("127.0.0.0/8",), OUTGOING_TIMEOUT=3.0)
    _endpoint, secret = service.create_endpoint(
        receiver.url, ["message.status_changed", "campaign.completed"]
    )
    outbox.forget_subscribers()
    campaign = house.launched(150)
    worker = house.start_worker()
    house.swept_until(lambda: len(receiver.requests) > 30)
    worker.kill()
    flush_broker(house.options)
    house.outlive_leases()
    # What the dead worker held is due again; here at once, and not when its lease ends.
    waiting = WebhookDelivery.objects.filter(state=WebhookDelivery.State.PENDING)
    waiting.update(next_try_at=timezone.now())
    house.start_worker()
    house.swept_until(house.is_over(campaign))
    house.swept_until(lambda: not waiting.exists())

    heard = {
        request.headers["webhook-id"]: event
        for request, event in zip(receiver.requests, receiver.verified(secret), strict=True)
    }.values()  # a subscriber remembers the ids: what came twice counts once
    ends = Counter(
        (event["data"]["id"], event["data"]["status"])
        for event in heard
        if event["type"] == "message.status_changed"
    )
    assert set(ends.values()) == {1}
    delivered = {
        str(public_id)
        for public_id in Message.objects.of_campaign(campaign)
        .filter(status=Status.DELIVERED)
        .values_list("public_id", flat=True)
    }
    assert {message for message, status in ends if status == Status.DELIVERED} == delivered
    assert len(delivered) > 100
    completed = [event["data"] for event in heard if event["type"] == "campaign.completed"]
    assert [event["id"] for event in completed] == [str(campaign.public_id)]
    house.judge(campaign)
