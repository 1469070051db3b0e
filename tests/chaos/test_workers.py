"""Workers that die, sleep or are replaced in the middle of a campaign."""

from __future__ import annotations

import signal

import pytest

from django_messagecentral.campaigns import sweep as sweeping
from django_messagecentral.campaigns import unconfirmed
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from tests.house import House

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.broker,
    pytest.mark.chaos_short,
    pytest.mark.timeout(180),
]


def test_workers_killed_in_mid_campaign_repeat_nobody_and_forget_nobody(house: House) -> None:
    campaign = house.launched(400)
    worker = house.start_worker()
    kills, held = 3, 0
    for kill in range(kills):
        goal = (kill + 1) * 80
        house.swept_until(lambda goal=goal: house.sent(campaign) >= goal)  # type: ignore[misc]
        worker.kill()
        held += Message.objects.filter(status=Status.SENDING).count()
        house.outlive_leases()
        sweeping.sweep()
        worker = house.start_worker()
    house.swept_until(house.is_over(campaign), 90)
    counts = house.judge(campaign)
    # Who was in flight at a kill is settled by a report or stays unconfirmed for a person: never sent again.
    assert counts[Status.UNCONFIRMED] <= held <= kills * house.in_flight_bound(pullers=2)
    assert counts[Status.DELIVERED] + counts[Status.UNCONFIRMED] == 400


@pytest.mark.server_database  # on SQLite a stopped process may hold the one lock there is
def test_a_worker_that_sleeps_past_its_lease_repeats_nobody_even_after_a_resend(house: House) -> None:
    # Slow calls and few threads: what waits for a thread when the worker falls asleep must stay there.
    house.sandbox.configure(latency=0.2)
    campaign = house.launched(200)
    sleeper = house.start_worker()
    house.swept_until(lambda: house.sent(campaign) >= 40)
    sleeper.signal(signal.SIGSTOP)
    house.outlive_leases()
    sweeping.sweep()
    house.sandbox.configure(latency=0.0)
    second = house.start_worker()
    house.swept_until(lambda: house.sent(campaign) >= 200 and house.reports_are_in())
    never_left = Message.objects.filter(status=Status.UNCONFIRMED)
    assert never_left.count() > 0
    assert not {row.phone for row in never_left} & set(house.received())
    resent = unconfirmed.resend_unconfirmed(Campaign.objects.get(pk=campaign.pk))
    house.swept_until(house.is_over(campaign))
    sleeper.signal(signal.SIGCONT)
    sleeper.terminate()  # it wakes, finishes what it had in hand, and goes
    house.swept_until(house.is_over(campaign))
    assert second.process.poll() is None
    assert resent > 0
    assert house.judge(campaign)[Status.DELIVERED] == 200


def test_a_deploy_in_mid_campaign_loses_and_repeats_nothing(house: House) -> None:
    campaign = house.launched(250)
    worker = house.start_worker()
    house.swept_until(lambda: house.sent(campaign) >= 60)
    worker.terminate()
    assert not Message.objects.filter(status__in=(Status.SENDING, Status.UNCONFIRMED)).exists()
    house.start_worker()
    house.swept_until(house.is_over(campaign))
    assert house.judge(campaign)[Status.DELIVERED] == 250
