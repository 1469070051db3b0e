"""Workers that die, sleep or are replaced in the middle of a campaign."""

from __future__ import annotations

import signal
import time

import pytest
from django.db import connection

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
    pytest.mark.timeout(300),
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
    house.swept_until(house.is_over(campaign))
    counts = house.judge(campaign)
    # Who was in flight at a kill is settled by a report or stays unconfirmed for a person: never sent again.
    assert counts[Status.UNCONFIRMED] <= held <= kills * house.in_flight_bound(pullers=2)
    assert counts[Status.DELIVERED] + counts[Status.UNCONFIRMED] == 400


def open_transactions() -> int:
    """Transactions of others that wait for their program: asleep in one, it would keep its rows to itself."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
        else:
            cursor.execute(
                "SELECT count(*) FROM information_schema.innodb_trx JOIN information_schema.processlist"
                " ON id = trx_mysql_thread_id WHERE db = database() AND id <> connection_id()"
            )
        return int(cursor.fetchone()[0])


@pytest.mark.server_database  # on SQLite a stopped process may hold the one lock there is
def test_a_worker_that_sleeps_past_its_lease_repeats_nobody_even_after_a_resend(house: House) -> None:
    campaign = house.launched(300)
    sleeper = house.start_worker()
    house.swept_until(lambda: house.sent(campaign) >= 40)
    # Now the threads are busy, and what waits for one when the worker falls asleep must stay there.
    house.sandbox.configure(latency=1.5)
    sending = Message.objects.filter(status=Status.SENDING)
    while True:
        house.swept_until(lambda: sending.count() >= 12)  # two pullers have eight threads
        sleeper.signal(signal.SIGSTOP)
        time.sleep(0.2)
        if not open_transactions():
            break
        sleeper.signal(signal.SIGCONT)
    house.outlive_leases()
    sweeping.sweep()
    house.sandbox.configure(latency=0.0)
    second = house.start_worker()
    queue = Message.objects.filter(status__in=(Status.DRAFT, Status.QUEUED, Status.SENDING))
    house.swept_until(lambda: not queue.exists() and house.reports_are_in())
    never_left = Message.objects.filter(status=Status.UNCONFIRMED)
    assert never_left.count() > 0
    assert not {row.phone for row in never_left} & set(house.received())
    resent = unconfirmed.resend_unconfirmed(Campaign.objects.get(pk=campaign.pk))
    assert resent > 0
    house.swept_until(house.is_over(campaign))
    sleeper.signal(signal.SIGCONT)
    sleeper.terminate()  # it wakes, finishes what it had in hand, and goes
    house.swept_until(house.is_over(campaign))
    assert second.process.poll() is None
    assert house.judge(campaign)[Status.DELIVERED] == 300


def test_a_deploy_in_mid_campaign_loses_and_repeats_nothing(house: House) -> None:
    campaign = house.launched(250)
    worker = house.start_worker()
    house.swept_until(lambda: house.sent(campaign) >= 60)
    worker.terminate()
    assert not Message.objects.filter(status__in=(Status.SENDING, Status.UNCONFIRMED)).exists()
    house.start_worker()
    house.swept_until(house.is_over(campaign))
    assert house.judge(campaign)[Status.DELIVERED] == 250
