"""A whole site for tests with real processes: a broker, workers, people at the buttons, the sweep, and the
sandbox's log as the judge.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from django.db import connections
from django.db.models import F, Q
from django.urls import reverse

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns import service, unconfirmed
from django_messagecentral.campaigns import sweep as sweeping
from django_messagecentral.campaigns.dispatch import AHEAD_MOST
from django_messagecentral.campaigns.imports import run_import
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, DispatchSlot
from django_messagecentral.campaigns.report import report
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging import recount
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from django_messagecentral.sandbox import SandboxServer
from tests.campaigns.conftest import mobile
from tests.conftest import SheetMaker
from tests.people import Person
from tests.settings import WEBHOOK_TOKEN
from tests.workers import Worker, broker_options, real_broker, wait_until

LEASE = 3.0
TEXT = "Hello ##var##, your balance is ##var2##."
OPEN_REPORTS = (Callback.State.PENDING, Callback.State.UNMATCHED)


class House:
    """The site under test. What it started ends with it.

    ``settings`` is pytest-django's; what a test sets there before it starts a worker holds in the worker.
    """

    def __init__(
        self, home: Path, sandbox: SandboxServer, settings: Any, make_sheet: SheetMaker, site: str
    ) -> None:
        self.home = home
        self.sandbox = sandbox
        self._settings = settings
        self._make_sheet = make_sheet
        self.workers: list[Worker] = []
        self._people: list[Person] = []
        self._swept_at = 0.0
        self.options = broker_options(home)
        self.webhook = site + reverse("messagecentral:webhook", args=[WEBHOOK_TOKEN])
        self.tune(PACE_PER_SECOND=200.0, DISPATCH_THREADS=4, DISPATCH_SLICE=2.0, LEASE=LEASE)
        sandbox.configure(callback_url=self.webhook, callback_delay=0.05, latency=0.03)
        settings.CACHES = {
            "default": {
                "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                "LOCATION": str(home / "cache"),
            }
        }

    def __enter__(self) -> Self:
        self._broker = real_broker(self.options)
        self._broker.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._say_logs()  # pytest shows it of a test that failed
        self.kill_all()
        self._broker.__exit__(kind, error, trace)
        shutil.rmtree(self.home / "cache", ignore_errors=True)

    def _say_logs(self) -> None:
        for worker in self.workers:
            print(f"--- {worker.log.name}\n{worker.log.read_text(errors='replace')[-3000:]}")

    def kill_all(self) -> None:
        """Every process that was started."""
        for process in (*self.workers, *self._people):
            process.kill()

    def tune(self, **values: Any) -> None:
        """Change settings of ``MESSAGECENTRAL``; workers that run already keep theirs."""
        self._settings.MESSAGECENTRAL = {**self._settings.MESSAGECENTRAL, **values}

    # -- who works here -------------------------------------------------------------------------

    def start_worker(self, **options: Any) -> Worker:
        worker = Worker(self.home, self.options, **options)
        self.workers.append(worker)
        return worker

    def start_person(self) -> Person:
        person = Person(self.home, self.options)
        self._people.append(person)
        return person

    # -- campaigns ------------------------------------------------------------------------------

    def uploaded(
        self,
        recipients: int = 0,
        *,
        first: int = 0,
        rows: Iterable[Sequence[Any]] | None = None,
        **options: Any,
    ) -> Campaign:
        """A campaign whose sheet waits for a worker. ``first`` keeps the phones of several apart."""
        if rows is None:
            rows = ([91, mobile(n), f"N{n}", n + 1, "x"] for n in range(first, first + recipients))
        return service.create_campaign("Test", TEXT, file=self._make_sheet(rows), **options)

    def ready(self, recipients: int, **options: Any) -> Campaign:
        """A campaign that can be launched."""
        campaign = self.uploaded(recipients, **options)
        run_import(campaign.uploads.get().pk)

        def is_ready() -> bool:  # a worker that runs already may have taken the import
            campaign.refresh_from_db()
            return campaign.status == CampaignStatus.READY

        wait_until(is_ready, 60)
        return campaign

    def launched(self, recipients: int, **options: Any) -> Campaign:
        return service.launch(self.ready(recipients, **options))

    # -- time -----------------------------------------------------------------------------------

    def swept_until(self, condition: Callable[[], Any], seconds: float = 120) -> None:
        """What beat does: a sweep every second, until ``condition`` is true."""

        def look() -> Any:
            if time.monotonic() >= self._swept_at + 1.0:
                sweeping.sweep()
                self._swept_at = time.monotonic()
            return condition()

        wait_until(look, seconds)

    def outlive_leases(self) -> None:
        """Wait until a dead worker's leases on messages are over; what it held longer is freed by hand."""
        time.sleep(LEASE + 0.2)
        self.free_seats()

    def free_seats(self) -> None:
        """The seats and imports of workers that are gone, whose leases are longer than a test."""
        hour = timedelta(hours=1)
        DispatchSlot.objects.filter(claim__isnull=False).update(lease_until=F("lease_until") - hour)
        CampaignUpload.objects.filter(claim__isnull=False).update(lease_until=F("lease_until") - hour)

    def forget_connections(self) -> None:
        """What a task does when it ends: a connection that broke is not used again."""
        connections.close_all()

    def in_flight_bound(self, pullers: int) -> int:
        """Messages that so many pullers can hold at once: with threads, waiting for them, and answered but
        not yet written.
        """
        return pullers * AHEAD_MOST * int(self._settings.MESSAGECENTRAL["DISPATCH_THREADS"])

    # -- the judge ------------------------------------------------------------------------------

    def sent(self, campaign: Campaign) -> int:
        """How many are out of the queue and have an answer."""
        waiting = (Status.DRAFT, Status.QUEUED, Status.SENDING)
        return Message.objects.of_campaign(campaign).exclude(status__in=waiting).count()

    def received(self) -> Counter[str]:
        """Texts by phone, as the phones saw them."""
        return Counter("+" + message["mobile"] for message in self.sandbox.messages())

    def is_over(self, campaign: Campaign) -> Callable[[], bool]:
        """Nothing waits, every report was posted, and every one of them was processed."""

        def look() -> bool:
            campaign.refresh_from_db()
            return (
                campaign.status == CampaignStatus.COMPLETED
                and self.reports_are_in()
                and not report(campaign).counts[Status.SUBMITTED]
            )

        return look

    def reports_are_in(self, but: Q | None = None) -> bool:
        """Every report that the vendor had for us was posted and processed, ``but`` those."""
        callbacks = self.sandbox.stats()["callbacks"]
        still_open = Callback.objects.filter(state__in=OPEN_REPORTS)
        if but is not None:
            still_open = still_open.exclude(but)
        return not callbacks["pending"] + callbacks["posting"] and not still_open.exists()

    def judge(self, campaign: Campaign) -> dict[str, int]:
        """Nobody twice, nobody lost, nothing miscounted; the campaign's counts by status.

        Who got the text is delivered, who is delivered got the text once; whoever else there is has an end
        that says so: failed, unconfirmed, cancelled.
        """
        rows = dict(Message.objects.of_campaign(campaign).values_list("phone", "status"))
        received = {phone: count for phone, count in self.received().items() if phone in rows}
        twice = {phone: count for phone, count in received.items() if count > 1}
        assert not twice, f"messaged more than once: {twice}"
        delivered = {phone for phone, status in rows.items() if status == Status.DELIVERED}
        assert delivered == set(received)
        ends = {Status.DELIVERED, Status.UNCONFIRMED, Status.FAILED, Status.CANCELLED}
        assert {status for status in rows.values() if status not in ends} == set()
        assert recount.differences(campaign.pk) == []
        counts = report(campaign).counts
        assert sum(counts.values()) == len(rows)
        return counts


def patch_longest_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests know when a worker is dead or asleep: no need to sit out the longest possible call."""
    for module in (sweeping, unconfirmed):
        monkeypatch.setattr(module, "longest_call", lambda: 0.0)
