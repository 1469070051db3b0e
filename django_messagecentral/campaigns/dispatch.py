"""The puller: takes messages of one campaign from the database, drives the wire, writes what became of them.

A puller is one Celery task that works a slice of ``DISPATCH_SLICE`` seconds on a seat of its campaign
(:class:`~django_messagecentral.campaigns.models.DispatchSlot`) and then calls its successor. The thread
that runs :meth:`Puller.run` is the only one that touches the database; the pool's threads only send.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral.backends import BaseBackend, get_backend
from django_messagecentral.campaigns import completion
from django_messagecentral.campaigns.models import Campaign, DispatchSlot
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.conf import app_settings
from django_messagecentral.db import database_now
from django_messagecentral.exceptions import Outcome
from django_messagecentral.messaging import budgets, pace
from django_messagecentral.messaging.claims import Claim, claim, longest_call
from django_messagecentral.messaging.delivery import SUPPRESSED, Parcel, carry, pack, too_long
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.quiet_hours import may_leave_now
from django_messagecentral.messaging.results import NOT_STARTED, Result, record
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.suppression import suppressed_phones
from django_messagecentral.messaging.text import BoundTemplate, Template, TemplateError
from django_messagecentral.messaging.transitions import move

logger = logging.getLogger("django_messagecentral.dispatch")

LOOK_SECONDS = 0.5  # how often pause, cancel, pace and the kill switch are looked at
FLUSH_SECONDS = 0.5  # how long a result may wait for company before it is written
IDLE_SECONDS = 3.0  # a puller with nothing to do for this long ends; the sweep calls a new one
QUEUE_ROWS = 5_000  # drafts that become queued in one step
SLOW_DOWN_SECONDS = 5.0  # after 429 or 800 without a Retry-After


def dispatch(campaign_id: int) -> bool:
    """Work one slice on ``campaign_id``; whether a successor should be called. Safe when run twice,
    also at once.
    """
    seat = _take_seat(campaign_id)
    if seat is None:
        return False
    try:
        return Puller(campaign_id, get_backend()).run()
    finally:
        DispatchSlot.objects.filter(pk=seat.pk, claim=seat.claim).update(claim=None, lease_until=None)


def _take_seat(campaign_id: int) -> DispatchSlot | None:
    free = Q(claim__isnull=True) | Q(lease_until__lt=Now())
    claim_id = uuid.uuid4()
    lease = timedelta(seconds=app_settings.DISPATCH_SLICE + longest_call() + 10)
    for number in range(app_settings.DISPATCH_PULLERS):
        seats = DispatchSlot.objects.filter(free, campaign=campaign_id, number=number)
        if seats.update(claim=claim_id, lease_until=database_now(DispatchSlot) + lease):
            return DispatchSlot.objects.get(campaign=campaign_id, number=number)
    return None


class Puller:
    """One slice of work on one campaign."""

    def __init__(self, campaign_id: int, backend: BaseBackend) -> None:
        self._campaign_id = campaign_id
        self._backend = backend
        self._threads = app_settings.DISPATCH_THREADS
        self._stop = threading.Event()
        self._flying: dict[Future[Result], tuple[Claim, int]] = {}
        self._landed: list[tuple[Claim, int, Result]] = []
        self._flushed_at = time.monotonic()
        self._looked_at = 0.0
        self._templates: dict[tuple[str, ...], BoundTemplate] = {}
        self._columns: dict[int, tuple[str, ...]] | None = None
        self._rates = RateCard.of_day()
        self._campaign: Campaign

    def run(self) -> bool:
        """Send until the slice ends or there is no more to do; whether to call a successor."""
        ends = time.monotonic() + app_settings.DISPATCH_SLICE
        idle_since = time.monotonic()
        with ThreadPoolExecutor(self._threads, thread_name_prefix="messagecentral") as pool:
            try:
                while self._may_go():
                    pause = self._pull(pool)
                    now = time.monotonic()
                    if self._flying or self._landed:
                        idle_since = now
                    if now >= ends or now - idle_since > IDLE_SECONDS:
                        break
                    self._collect(max(0.02, min(pause, LOOK_SECONDS)))
                    if not self._flying and not self._landed and completion.complete(self._campaign_id):
                        return False
            finally:
                self._stop.set()
                self._land_all()
        if completion.complete(self._campaign_id):
            return False
        # Asked again, and not remembered: somebody may have paused and resumed while the last calls landed.
        sending = Campaign.objects.filter(pk=self._campaign_id, status=CampaignStatus.SENDING).exists()
        return sending and app_settings.SENDING_ENABLED and time.monotonic() - idle_since <= IDLE_SECONDS

    def _may_go(self) -> bool:
        """Look at the campaign and the kill switch, at most every :data:`LOOK_SECONDS`."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return True
        self._looked_at = time.monotonic()
        if not app_settings.SENDING_ENABLED:
            return False
        alive = Campaign.objects.filter(pk=self._campaign_id, status=CampaignStatus.SENDING)
        if not alive.update(heartbeat_at=Now()):
            return False
        campaign = alive.first()
        if campaign is None:
            return False
        self._campaign = campaign
        if campaign.ends_at and campaign.ends_at <= timezone.now():
            self._pause(_("The campaign's end has passed."))
            return False
        if budget := budgets.spent_budget(campaign.pk, campaign.message_type):
            self._pause(_("The budget %(name)s is spent.") % {"name": budget})
            return False
        return True

    # -- out ------------------------------------------------------------------------------------

    def _pull(self, pool: ThreadPoolExecutor) -> float:
        """Claim what may leave now and hand it to the pool; seconds until it is worth asking again."""
        free = self._threads - len(self._flying)
        if free < min(self._threads, max(1, self._threads // 2)):
            return FLUSH_SECONDS
        granted = self._reserve(free)
        if not granted.count:
            return granted.wait
        claimed = claim(Message.objects.filter(campaign=self._campaign_id), granted.count)
        self._give_back(granted.count - len(claimed.rows))
        if not claimed.rows:
            return 0.02 if self._queue_drafts() else 0.3
        ready, refused = self._pack(claimed.rows)
        for parcel in ready:
            self._flying[pool.submit(self._carry, claimed, parcel)] = (claimed, parcel.message_id)
        self._landed += [(claimed, pk, result) for pk, result in refused.items()]
        return 0.02 if len(claimed.rows) == granted.count else 0.3

    def _reserve(self, wanted: int) -> pace.Grant:
        account = pace.reserve(pace.account_key(), wanted, app_settings.PACE_PER_SECOND)
        own_rate = self._campaign.pace
        if not account.count or not own_rate:
            return account
        own = pace.reserve(pace.campaign_key(self._campaign_id), account.count, own_rate)
        pace.give_back(pace.account_key(), account.count - own.count, app_settings.PACE_PER_SECOND)
        return own

    def _give_back(self, count: int) -> None:
        if count > 0:
            pace.give_back(pace.account_key(), count, app_settings.PACE_PER_SECOND)
            if self._campaign.pace:
                pace.give_back(pace.campaign_key(self._campaign_id), count, self._campaign.pace)

    def _queue_drafts(self) -> bool:
        drafts = Message.objects.filter(campaign=self._campaign_id, status=Status.DRAFT).order_by("pk")
        ids = list(drafts.values_list("pk", flat=True)[:QUEUE_ROWS])
        return bool(ids) and bool(
            move(Message.objects.filter(pk__in=ids), Status.DRAFT, Status.QUEUED, Cause.PLAN)
        )

    def _pack(self, rows: list[Message]) -> tuple[list[Parcel], dict[int, Result]]:
        """Parcels for the wire, and results of those rows that must not or cannot leave."""
        opted_out = suppressed_phones(
            (row.phone for row in rows),
            channel=self._campaign.channel,
            message_type=self._campaign.message_type,
        )
        ready: list[Parcel] = []
        refused: dict[int, Result] = {}
        for row in rows:
            wait_for = may_leave_now(row.phone, row.message_type)
            if row.phone in opted_out:
                refused[row.pk] = SUPPRESSED
            elif wait_for:
                refused[row.pk] = Result(
                    status=Status.QUEUED, not_before=timezone.now() + timedelta(seconds=wait_for)
                )
            else:
                try:
                    text = self._template(row).render(row.variables)
                except TemplateError as error:
                    refused[row.pk] = Result(status=Status.FAILED, error=str(error))
                    continue
                if problem := too_long(text):
                    refused[row.pk] = Result(status=Status.FAILED, error=problem)
                else:
                    ready.append(pack(row, text, self._rates))
        return ready, refused

    def _template(self, row: Message) -> BoundTemplate:
        columns = self._columns_of(row.upload_id)
        if columns not in self._templates:
            self._templates[columns] = Template.parse(self._campaign.text).bind(columns)
        return self._templates[columns]

    def _columns_of(self, upload_id: int | None) -> tuple[str, ...]:
        if self._columns is None:
            self._columns = {u.pk: tuple(u.columns) for u in self._campaign.uploads.all()}
        return self._columns.get(upload_id, ()) if upload_id else ()

    def _carry(self, claimed: Claim, parcel: Parcel) -> Result:
        return NOT_STARTED if self._stop.is_set() else carry(self._backend, claimed, parcel)

    # -- back -----------------------------------------------------------------------------------

    def _collect(self, seconds: float) -> None:
        """Wait up to ``seconds`` for answers; write them when there are enough or they have waited enough."""
        if self._flying:
            wait(self._flying, timeout=seconds, return_when=FIRST_COMPLETED)
        elif not self._landed:
            time.sleep(seconds)
        self._take_landed(future for future in list(self._flying) if future.done())
        waited = time.monotonic() - self._flushed_at
        if self._landed and (
            len(self._landed) >= self._threads // 2 or waited >= FLUSH_SECONDS or not self._flying
        ):
            self._flush()

    def _take_landed(self, futures: Iterable[Future[Result]]) -> None:
        for future in futures:
            claimed, message_id = self._flying.pop(future)
            self._landed.append((claimed, message_id, future.result()))

    def _land_all(self) -> None:
        wait(self._flying)
        self._take_landed(list(self._flying))
        self._flush()

    def _flush(self) -> None:
        landed, self._landed = self._landed, []
        self._flushed_at = time.monotonic()
        by_claim: dict[uuid.UUID, dict[int, Result]] = {}
        for claimed, message_id, result in landed:
            by_claim.setdefault(claimed.id, {})[message_id] = result
        for claim_id, results in by_claim.items():
            record(claim_id, results)
        self._react([result for _claim, _pk, result in landed])

    def _react(self, results: list[Result]) -> None:
        """Slow down when the vendor says so; pause when it refuses everything."""
        calls = [result.call for result in results if result.call]
        self._give_back(len(results) - len(calls))
        if slow := [call.retry_after or SLOW_DOWN_SECONDS for call in calls if call.slow_down]:
            pace.block(pace.account_key(), max(slow))
            logger.warning("the vendor asked for a slower pace: nothing leaves for %.0f s", max(slow))
        if bad := next((call for call in calls if call.bad_account), None):
            self._pause(
                _("The vendor refuses this account's credentials: %(detail)s") % {"detail": bad.detail}
            )
            return
        failures = [call for call in calls if call.outcome is not Outcome.ACCEPTED and not call.slow_down]
        if not failures:
            if calls and self._campaign.failures_in_row:
                Campaign.objects.filter(pk=self._campaign_id).update(failures_in_row=0)
            return
        in_row = F("failures_in_row") + len(failures) if len(failures) == len(calls) else len(failures)
        Campaign.objects.filter(pk=self._campaign_id).update(failures_in_row=in_row)
        limit = app_settings.BREAKER_FAILURES
        if Campaign.objects.filter(pk=self._campaign_id, failures_in_row__gte=limit).exists():
            self._pause(
                _("%(n)d sends in a row failed. The last one: %(detail)s")
                % {"n": limit, "detail": failures[-1].detail}
            )

    def _pause(self, reason: str) -> None:
        self._stop.set()
        self._looked_at = 0.0
        paused = Campaign.objects.filter(pk=self._campaign_id, status=CampaignStatus.SENDING).update(
            status=CampaignStatus.PAUSED, status_reason=reason[:300]
        )
        if paused:
            logger.error("campaign %s paused: %s", self._campaign.public_id, reason)
