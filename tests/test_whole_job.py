"""The main job with real processes: a broker, workers that die, a webhook,
and the sandbox's log as the judge.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models import F
from django.urls import reverse

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns import service
from django_messagecentral.campaigns import sweep as sweeping
from django_messagecentral.campaigns.dispatch import AHEAD_MOST
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, DispatchSlot
from django_messagecentral.campaigns.report import report
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from django_messagecentral.sandbox import SandboxServer
from tests.campaigns.conftest import mobile
from tests.celery_app import app as celery_app
from tests.conftest import SheetMaker
from tests.settings import WEBHOOK_TOKEN
from tests.workers import Worker, broker_options, real_broker, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]

Starter = Callable[..., Worker]
LEASE = 3.0
OPEN = (Callback.State.PENDING, Callback.State.UNMATCHED)


@pytest.fixture
def house(
    tmp_path: Path,
    on_sandbox: SandboxServer,
    live_server: Any,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Starter, SandboxServer]]:
    """``start_worker()`` and the sandbox, which reports to this test's own site."""
    on_sandbox.configure(
        callback_url=live_server.url + reverse("messagecentral:webhook", args=[WEBHOOK_TOKEN]),
        callback_delay=0.05,
        latency=0.03,
    )
    settings.MESSAGECENTRAL = {
        **settings.MESSAGECENTRAL,
        "PACE_PER_SECOND": 200.0,
        "DISPATCH_THREADS": 4,
        "DISPATCH_SLICE": 2.0,
        "LEASE": LEASE,
    }
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(tmp_path / "cache"),
        }
    }
    # The tests know when a worker is dead or asleep: no need to sit out the longest possible call.
    monkeypatch.setattr(sweeping, "longest_call", lambda: 0.0)
    options = broker_options(tmp_path)
    workers: list[Worker] = []

    def start(**kwargs: Any) -> Worker:
        workers.append(Worker(tmp_path, options, **kwargs))
        return workers[-1]

    with real_broker(options):
        try:
            yield start, on_sandbox
        finally:
            for worker in workers:
                worker.kill()
            shutil.rmtree(tmp_path / "cache", ignore_errors=True)


def made_campaign(make_sheet: SheetMaker, recipients: int) -> Campaign:
    rows = ([91, mobile(n), f"N{n}", n + 1, "x"] for n in range(recipients))
    return service.create_campaign("Test", "Hello ##var##, your balance is ##var2##.", file=make_sheet(rows))


def imported(campaign: Campaign) -> bool:
    campaign.refresh_from_db()
    return campaign.status == CampaignStatus.READY


def swept_until(condition: Callable[[], bool], seconds: float) -> None:
    """What beat does: a sweep every second, until it is so."""

    def look() -> bool:
        nonlocal due
        if time.monotonic() >= due:
            sweeping.sweep()
            due = time.monotonic() + 1.0
        return condition()

    due = 0.0
    wait_until(look, seconds)


def is_over(campaign: Campaign, sandbox: SandboxServer) -> Callable[[], bool]:
    """Nothing waits, every report was posted, and every one of them was processed."""

    def look() -> bool:
        campaign.refresh_from_db()
        callbacks = sandbox.stats()["callbacks"]
        return (
            campaign.status == CampaignStatus.COMPLETED
            and not callbacks["pending"] + callbacks["posting"]
            and not report(campaign).counts[Status.SUBMITTED]
            and not Callback.objects.filter(state__in=OPEN).exists()
        )

    return look


def texts(sandbox: SandboxServer) -> Counter[str]:
    return Counter(message["mobile"] for message in sandbox.messages())


def outlive_leases() -> None:
    """Wait until a dead worker's leases on messages are over; its seat and its import are freed by hand."""
    time.sleep(LEASE + 0.2)
    hour = timedelta(hours=1)
    DispatchSlot.objects.filter(claim__isnull=False).update(lease_until=F("lease_until") - hour)
    CampaignUpload.objects.filter(claim__isnull=False).update(lease_until=F("lease_until") - hour)


def sent(campaign: Campaign) -> int:
    return (
        Message.objects.of_campaign(campaign)
        .exclude(status__in=(Status.DRAFT, Status.QUEUED, Status.SENDING))
        .count()
    )


@pytest.mark.broker
def test_a_spreadsheet_goes_in_messages_go_out_and_delivery_comes_back(
    house: tuple[Starter, SandboxServer], make_sheet: SheetMaker
) -> None:
    start_worker, sandbox = house
    worker = start_worker()
    campaign = made_campaign(make_sheet, 150)
    wait_until(lambda: imported(campaign), 30, [worker])
    service.launch(campaign)
    swept_until(is_over(campaign, sandbox), 60)
    assert texts(sandbox) == {"91" + mobile(n): 1 for n in range(150)}
    numbers = report(campaign)
    assert numbers.counts[Status.DELIVERED] == 150
    assert not Callback.objects.exclude(state__in=(Callback.State.APPLIED, Callback.State.NO_CHANGE)).exists()


@pytest.mark.broker
def test_a_broker_that_loses_everything_stops_nothing(
    house: tuple[Starter, SandboxServer], make_sheet: SheetMaker
) -> None:
    start_worker, sandbox = house
    campaign = made_campaign(make_sheet, 200)
    assert celery_app.control.purge() > 0  # the import's task
    start_worker()
    CampaignUpload.objects.update(created_at=F("created_at") - timedelta(minutes=1))
    swept_until(lambda: imported(campaign), 40)
    service.launch(campaign)
    lost = celery_app.control.purge()
    for _ in range(40):
        time.sleep(0.05)
        lost += celery_app.control.purge()
    assert lost > 0
    swept_until(is_over(campaign, sandbox), 60)
    assert texts(sandbox) == {"91" + mobile(n): 1 for n in range(200)}


@pytest.mark.broker
@pytest.mark.chaos_short
def test_workers_killed_in_mid_campaign_repeat_nobody_and_forget_nobody(
    house: tuple[Starter, SandboxServer], make_sheet: SheetMaker, settings: Any
) -> None:
    start_worker, sandbox = house
    recipients, kills = 400, 3
    worker = start_worker()
    campaign = made_campaign(make_sheet, recipients)
    wait_until(lambda: imported(campaign), 30, [worker])
    service.launch(campaign)
    held = 0
    for kill in range(kills):
        swept_until(lambda goal=(kill + 1) * 80: sent(campaign) >= goal, 40)  # type: ignore[misc]
        worker.kill()
        held += Message.objects.filter(status=Status.SENDING).count()
        outlive_leases()
        sweeping.sweep()
        worker = start_worker()
    swept_until(is_over(campaign, sandbox), 90)
    received = texts(sandbox)
    assert max(received.values()) == 1
    counts = report(campaign).counts
    # Who was in flight at a kill is settled by a report or stays unconfirmed for a person: never sent again.
    unconfirmed = counts[Status.UNCONFIRMED]
    in_flight = 2 * AHEAD_MOST * settings.MESSAGECENTRAL["DISPATCH_THREADS"]  # claimed by two pullers
    assert unconfirmed <= held <= kills * in_flight
    assert counts[Status.DELIVERED] + unconfirmed == recipients
    delivered = Message.objects.filter(status=Status.DELIVERED).values_list("phone", flat=True)
    assert set(received) == {phone.lstrip("+") for phone in delivered}


@pytest.mark.broker
@pytest.mark.chaos_short
@pytest.mark.server_database  # on SQLite a stopped process may hold the one lock there is
def test_a_worker_that_sleeps_past_its_lease_repeats_nobody(
    house: tuple[Starter, SandboxServer], make_sheet: SheetMaker
) -> None:
    start_worker, sandbox = house
    sleeper = start_worker()
    campaign = made_campaign(make_sheet, 200)
    wait_until(lambda: imported(campaign), 30, [sleeper])
    service.launch(campaign)
    swept_until(lambda: sent(campaign) >= 40, 40)
    sleeper.signal(signal.SIGSTOP)
    outlive_leases()
    sweeping.sweep()
    second = start_worker()
    swept_until(lambda: sent(campaign) >= 120, 40)
    sleeper.signal(signal.SIGCONT)
    swept_until(is_over(campaign, sandbox), 60)
    assert second.process.poll() is None
    assert max(texts(sandbox).values()) == 1
    counts = report(campaign).counts
    assert counts[Status.DELIVERED] + counts[Status.UNCONFIRMED] == 200
    assert len(texts(sandbox)) == counts[Status.DELIVERED]


@pytest.mark.broker
@pytest.mark.chaos_short
def test_a_deploy_in_mid_campaign_loses_and_repeats_nothing(
    house: tuple[Starter, SandboxServer], make_sheet: SheetMaker
) -> None:
    start_worker, sandbox = house
    worker = start_worker()
    campaign = made_campaign(make_sheet, 250)
    wait_until(lambda: imported(campaign), 30, [worker])
    service.launch(campaign)
    swept_until(lambda: sent(campaign) >= 60, 40)
    worker.terminate()
    assert not Message.objects.filter(status__in=(Status.SENDING, Status.UNCONFIRMED)).exists()
    start_worker()
    swept_until(is_over(campaign, sandbox), 60)
    assert texts(sandbox) == {"91" + mobile(n): 1 for n in range(250)}
