"""What Prometheus sees of the database, and what that costs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client import REGISTRY, CollectorRegistry, generate_latest

from django_messagecentral import gauges
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.gauges import StateCollector
from django_messagecentral.messaging import pace
from django_messagecentral.messaging.counters import Deltas, fold_all
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from django_messagecentral.verification.guards.budgets import SITE
from django_messagecentral.verification.models import SendBudget

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]

QUERIES = 8  # and one for each sending campaign


@pytest.fixture
def registry() -> CollectorRegistry:
    fresh = CollectorRegistry()
    fresh.register(StateCollector(remembered=0))
    return fresh


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(f"messagecentral_{name}", labels)


def make_campaign(status: CampaignStatus = CampaignStatus.SENDING) -> Campaign:
    return Campaign.objects.create(name="Diwali", text="Hello", status=status)


def queue(
    campaign: Campaign | None, count: int, ago: float = 0, wait: float | None = None, first: int = 0
) -> None:
    now = timezone.now()
    Message.objects.bulk_create(
        Message(
            campaign=campaign,
            phone=f"+9198{first + n:08}",
            status=Status.QUEUED,
            updated_at=now - timedelta(seconds=ago),
            not_before=None if wait is None else now + timedelta(seconds=wait),
        )
        for n in range(count)
    )
    deltas = Deltas()
    if campaign is not None:
        deltas.move(campaign.pk, Status.DRAFT, Status.QUEUED, count)
    deltas.write()


def test_an_idle_site_waits_for_nothing(registry: CollectorRegistry, settings: Any) -> None:
    assert value(registry, "state_up") == 1
    assert value(registry, "queue_oldest_seconds") == 0
    assert value(registry, "callbacks_waiting") == value(registry, "unconfirmed") == 0
    assert value(registry, "live_campaigns", status="sending") == 0
    assert value(registry, "pace") == 50
    assert value(registry, "otp_budget_left") == 10_000


def test_the_oldest_is_the_one_that_could_leave(registry: CollectorRegistry) -> None:
    sending = make_campaign()
    queue(sending, 1, ago=9000, wait=600)  # asked to wait
    queue(sending, 1, ago=300, first=1)
    queue(make_campaign(CampaignStatus.PAUSED), 1, ago=50_000, first=2)  # a person holds it
    assert 299 < (value(registry, "queue_oldest_seconds") or 0) < 330
    queue(None, 1, ago=900, first=3)
    assert 899 < (value(registry, "queue_oldest_seconds") or 0) < 930


def test_a_wait_that_is_over_counts_from_its_end(registry: CollectorRegistry) -> None:
    queue(make_campaign(), 1, ago=9000, wait=-20)
    assert 19 < (value(registry, "queue_oldest_seconds") or 0) < 50


def test_live_campaigns_are_counted_folded_or_not(registry: CollectorRegistry) -> None:
    sending, paused = make_campaign(), make_campaign(CampaignStatus.PAUSED)
    queue(sending, 3)
    fold_all()
    queue(paused, 2, first=10)
    queue(make_campaign(CampaignStatus.COMPLETED), 4, first=20)
    assert value(registry, "live_messages", status="queued") == 5
    assert value(registry, "live_messages", status="delivered") == 0
    assert value(registry, "live_campaigns", status="sending") == 1
    assert value(registry, "live_campaigns", status="paused") == 1


def test_what_nobody_has_settled(registry: CollectorRegistry) -> None:
    now = timezone.now()
    for number, ago in enumerate((500, 20)):
        Callback.objects.create(fingerprint=str(number), payload={}, next_try_at=now - timedelta(seconds=ago))
    Callback.objects.create(fingerprint="2", payload={}, state=Callback.State.APPLIED)
    Message.objects.create(phone="+919800000001", status=Status.UNCONFIRMED)
    assert value(registry, "callbacks_waiting") == 2
    assert 499 < (value(registry, "callbacks_oldest_seconds") or 0) < 530
    assert value(registry, "unconfirmed") == 1


def test_the_pace_and_the_budget_in_force(registry: CollectorRegistry) -> None:
    pace.slow_down([30.0])
    assert 20 < (value(registry, "pace_blocked_seconds") or 0) <= 30
    assert value(registry, "pace") == 25
    SendBudget.objects.create(scope=SITE, day=timezone.now().date(), used=9_990)
    assert value(registry, "otp_budget_left") == 10


def test_the_cost_is_the_same_for_any_number_of_messages(registry: CollectorRegistry) -> None:
    campaign = make_campaign()
    queue(campaign, 5)
    with CaptureQueriesContext(connection) as few:
        generate_latest(registry)
    queue(campaign, 3_000, first=100)
    with CaptureQueriesContext(connection) as many:
        page = generate_latest(registry).decode()
    assert len(few) == len(many) == QUERIES + 1
    assert 'live_messages{status="queued"} 3005.0' in page
    assert "+9198" not in page
    assert "Diwali" not in page
    make_campaign()
    with CaptureQueriesContext(connection) as two:
        generate_latest(registry)
    assert len(two) == QUERIES + 2


def test_scrapes_within_five_seconds_look_once() -> None:
    fresh = CollectorRegistry()
    with CaptureQueriesContext(connection) as registering:
        fresh.register(StateCollector())
    with CaptureQueriesContext(connection) as first:
        generate_latest(fresh)
    with CaptureQueriesContext(connection) as second:
        generate_latest(fresh)
    assert (len(registering), len(first), len(second)) == (
        0,
        QUERIES - 1,
        0,
    )  # no live campaign, no counts to read


def test_a_broken_database_is_a_value_and_the_sites_other_metrics_live_on(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> Any:
        raise ConnectionError("gone")

    monkeypatch.setattr(gauges, "_queue", broken)
    assert value(registry, "state_up") == 0
    assert value(registry, "unconfirmed") is None


def test_the_sites_own_registry_has_them() -> None:
    assert REGISTRY.get_sample_value("messagecentral_state_up") is not None
