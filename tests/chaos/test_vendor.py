"""The vendor breaks, stalls, babbles, and asks for time, while workers send."""

from __future__ import annotations

import uuid
from itertools import pairwise
from typing import Any

import pytest

from django_messagecentral.campaigns import service, unconfirmed
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging.models import Attempt, Message, Pace
from django_messagecentral.messaging.pace import SLOW_DOWN_SECONDS
from django_messagecentral.messaging.states import Status
from tests.house import House

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server_database,
    pytest.mark.broker,
    pytest.mark.chaos_short,
    pytest.mark.timeout(300),
]

# Shares of all sends. What becomes of each is in docs/architecture.rst.
MISBEHAVIOUR = {
    "500": 0.03,
    "http500": 0.05,
    "http502": 0.03,
    "http503": 0.03,
    "http504": 0.03,
    "reset": 0.03,
    "reset_after": 0.05,
    "stall": 0.01,
    "stall_after": 0.02,
    "html": 0.03,
    "half": 0.05,
    "wrong_types": 0.02,
    "empty": 0.02,
}


def is_paused(campaign: Campaign) -> bool:
    campaign.refresh_from_db()
    return campaign.status == CampaignStatus.PAUSED


def test_a_vendor_that_breaks_in_every_way_gets_nobody_twice(house: House) -> None:
    house.tune(READ_TIMEOUT=1.0, CONNECT_TIMEOUT=1.0)
    house.sandbox.configure(errors=MISBEHAVIOUR, stall_seconds=3.0)
    campaign = house.launched(400)
    house.start_worker()
    house.start_worker()
    house.swept_until(house.is_over(campaign))
    counts = house.judge(campaign)
    failed = house.sandbox.stats()["sends"]["by_failure"]
    assert set(MISBEHAVIOUR) - set(failed) <= {"stall"}, "not every breakdown was tried"
    # Lost answers of texts that did go out are settled by their reports; the rest waits for a person.
    assert counts[Status.UNCONFIRMED] > 0
    assert counts[Status.DELIVERED] + counts[Status.UNCONFIRMED] == 400
    house.sandbox.configure(errors={})
    house.outlive_leases()
    unconfirmed.resend_unconfirmed(campaign)
    house.swept_until(house.is_over(campaign))
    assert house.judge(campaign)[Status.DELIVERED] == 400


def test_a_token_that_expires_in_mid_campaign_is_renewed_once_among_all_workers(
    house: House, settings: Any
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:6379/15",
            "KEY_PREFIX": f"messagecentral-test-{uuid.uuid4().hex[:12]}",
        }
    }
    house.tune(DISPATCH_PULLERS=6, DISPATCH_THREADS=8, PACE_PER_SECOND=100.0)
    house.sandbox.configure(latency=0.05)
    goals = [150, 350]

    def expire_in_time() -> None:
        """Runs where the vendor does, so that no text comes in between."""
        if goals and house.sandbox.state.counts["texts_received"] >= goals[0]:
            del goals[0]
            house.sandbox.expire_tokens()

    house.sandbox.state.listeners.append(expire_in_time)
    campaign = house.launched(600)
    for number in range(3):
        house.start_worker(host=f"machine{number}")

    house.swept_until(house.is_over(campaign))
    assert house.judge(campaign)[Status.DELIVERED] == 600
    stats = house.sandbox.stats()
    assert stats["tokens"]["issued"] == 3  # the first, and one for each that expired
    assert stats["unauthorized"] > 3  # more than one worker had met each of the refusals
    assert len(set(Attempt.objects.values_list("worker", flat=True))) >= 4


@pytest.mark.parametrize("breakdown", ["html", "stall"])
def test_a_vendor_that_is_down_pauses_the_campaign_with_the_reason(house: House, breakdown: str) -> None:
    house.tune(READ_TIMEOUT=0.5, CONNECT_TIMEOUT=0.5, BREAKER_FAILURES=20, PACE_PER_SECOND=100.0)
    campaign = house.launched(400)
    house.start_worker()
    house.swept_until(lambda: house.sent(campaign) >= 60)
    house.sandbox.configure(errors={breakdown: 1.0}, stall_seconds=1.0)
    house.swept_until(lambda: is_paused(campaign))
    assert "20 sends in a row failed" in campaign.status_reason
    house.swept_until(lambda: not Message.objects.filter(status=Status.SENDING).exists())
    hit = Message.objects.filter(status=Status.UNCONFIRMED).count()
    # The run, what was in flight, and a second of the other puller's, which looks every half.
    assert 20 <= hit <= 20 + house.in_flight_bound(pullers=2) + 100
    house.sandbox.configure(errors={})
    service.resume(campaign)
    house.swept_until(house.is_over(campaign))
    counts = house.judge(campaign)
    assert counts[Status.DELIVERED] + counts[Status.UNCONFIRMED] == 400


@pytest.mark.parametrize(("asks", "seconds"), [("http429", 2.0), ("800", SLOW_DOWN_SECONDS)])
def test_a_vendor_that_asks_for_time_gets_it_and_nobody_is_unconfirmed(
    house: House, asks: str, seconds: float
) -> None:
    house.sandbox.configure(retry_after=2)
    campaign = house.launched(200)
    house.start_worker()
    house.swept_until(lambda: house.sent(campaign) >= 60)
    house.sandbox.configure(errors={asks: 1.0})
    house.swept_until(lambda: Pace.objects.filter(blocked_until__isnull=False).exists())
    house.sandbox.configure(errors={})
    house.swept_until(house.is_over(campaign))
    assert house.judge(campaign)[Status.DELIVERED] == 200
    calls = [call for call in house.sandbox.state.calls.values() if call.kind != "token"]
    assert any(call.failure == asks for call in calls)
    gaps = [after.received_at - before.received_at for before, after in pairwise(calls)]
    assert max(gaps) >= seconds * 0.9  # without a word from the vendor there is one every 5 ms
