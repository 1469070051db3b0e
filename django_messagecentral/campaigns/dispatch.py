"""The puller: takes messages of one campaign from the database, drives the wire, writes what became of them.

A puller is one Celery task that works a slice of ``DISPATCH_SLICE`` seconds on a seat of its campaign
(:class:`~django_messagecentral.campaigns.models.DispatchSlot`) and then calls its successor. The thread
that runs :meth:`Puller.run` is the only one that touches the database; the pool's threads only send.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import partial

from django.db import InterfaceError, OperationalError, connections
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral import tracing
from django_messagecentral.backends import BaseBackend, get_backend
from django_messagecentral.campaigns import completion, silence
from django_messagecentral.campaigns.breaker import reason_to_pause
from django_messagecentral.campaigns.changing import WORKER, change
from django_messagecentral.campaigns.models import Campaign, DispatchSlot
from django_messagecentral.campaigns.packing import Packer
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.conf import app_settings
from django_messagecentral.db import database_for, database_now
from django_messagecentral.exceptions import Outcome
from django_messagecentral.messaging import budgets, pace
from django_messagecentral.messaging.claims import Claim, claim, longest_call
from django_messagecentral.messaging.delivery import Parcel, carry
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.results import NOT_STARTED, Result, record_all
from django_messagecentral.messaging.routing.choosing import choose_for
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import move
from django_messagecentral.messaging.wire import CallResult

logger = logging.getLogger("django_messagecentral.dispatch")

LOOK_SECONDS = 0.5  # how often pause, cancel, pace and the kill switch are looked at
SIGN_SECONDS = 2.0  # how often a sign of life is given, and rivals and budgets are looked at
FLUSH_SECONDS = 1.0  # how long a result may wait for company before it is written
IDLE_SECONDS = 3.0  # a puller with nothing to do for this long ends; the sweep calls a new one
QUEUE_ROWS = 5_000  # drafts that become queued in one step
GATHER_SECONDS = 0.8  # between two reservations where the pace grants less than could be sent
EMPTY_SECONDS = 0.3  # after which an empty queue is looked at again
AHEAD_SECONDS = 1.0  # seconds of calls, at the pace of late, that may wait for a free thread
LEARN_SECONDS = 0.25  # how long the vendor is watched before anything is claimed ahead
AHEAD_MOST = 4  # and never more than so many calls a thread
BREATH_SECONDS = 0.005  # in which answers gather while the threads have work
DATABASE_SECONDS = 60.0  # how long answers are held while the database is away


@tracing.traced("messagecentral.campaign.slice")
def dispatch(campaign_id: int) -> bool:
    """Work one slice on ``campaign_id``; whether a successor should be called. Safe when run twice,
    also at once.
    """
    if silence.pause_silent(Campaign.objects.filter(pk=campaign_id)):
        return False
    seat = _take_seat(campaign_id)
    if seat is None:
        return False
    try:
        return Puller(campaign_id, get_backend()).run()
    finally:
        _hold_on(partial(_leave_seat, seat), "a seat is")


def _take_seat(campaign_id: int) -> DispatchSlot | None:
    free = Q(claim__isnull=True) | Q(lease_until__lt=Now())
    claim_id = uuid.uuid4()
    lease = timedelta(seconds=app_settings.DISPATCH_SLICE + longest_call() + 10)
    for number in range(app_settings.DISPATCH_PULLERS):
        seats = DispatchSlot.objects.filter(free, campaign=campaign_id, number=number)
        if seats.update(claim=claim_id, lease_until=database_now(DispatchSlot) + lease):
            return DispatchSlot.objects.get(campaign=campaign_id, number=number)
    return None


def _leave_seat(seat: DispatchSlot) -> None:
    DispatchSlot.objects.filter(pk=seat.pk, claim=seat.claim).update(claim=None, lease_until=None)


class Puller:
    """One slice of work on one campaign."""

    def __init__(self, campaign_id: int, backend: BaseBackend) -> None:
        self._campaign_id = campaign_id
        self._backend = backend
        self._threads = app_settings.DISPATCH_THREADS
        self._stop = threading.Event()
        self._flying: dict[Future[CallResult | None], tuple[Claim, Parcel]] = {}
        self._done: queue.SimpleQueue[Future[CallResult | None]] = queue.SimpleQueue()
        self._landed: list[tuple[Claim, dict[int, Result]]] = []
        self._flushed_at = time.monotonic()
        self._looked_at = 0.0
        self._pull_at = 0.0
        self._found_nothing = True
        self._paced = False
        self._signed_at = -SIGN_SECONDS
        self._began = time.monotonic()
        self._answers = 0
        self._rivals = 1
        self._public_id = ""
        self._campaign: Campaign
        self._packer: Packer

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
                    self._collect(pool, max(0.02, min(pause, LOOK_SECONDS)))
                    if self._is_idle() and completion.complete(self._campaign_id):
                        return False
            finally:
                self._stop.set()
                self._land_all()
                tracing.note(campaign_id=self._public_id, calls=self._answers)
        if completion.complete(self._campaign_id):
            return False
        # Asked again, and not remembered: somebody may have paused and resumed while the last calls landed.
        sending = Campaign.objects.filter(pk=self._campaign_id, status=CampaignStatus.SENDING).exists()
        return sending and app_settings.SENDING_ENABLED and time.monotonic() - idle_since <= IDLE_SECONDS

    def _is_idle(self) -> bool:
        """Nothing is under way, and there was nothing to claim when it was last asked for."""
        return self._found_nothing and not self._flying and not self._landed

    def _may_go(self) -> bool:
        """Look at the campaign and the kill switch, at most every :data:`LOOK_SECONDS`."""
        if time.monotonic() - self._looked_at < LOOK_SECONDS:
            return True
        first = not self._looked_at
        self._looked_at = time.monotonic()
        if not app_settings.SENDING_ENABLED:
            return False
        campaign = Campaign.objects.filter(pk=self._campaign_id, status=CampaignStatus.SENDING).first()
        if campaign is None:
            return False
        self._campaign = campaign
        if first:
            self._packer = Packer(campaign)
            self._public_id = str(campaign.public_id)
        if campaign.ends_at and campaign.ends_at <= timezone.now():
            self._pause(_("The campaign's end has passed."))
            return False
        return self._looked_at - self._signed_at < SIGN_SECONDS or self._sign()

    def _sign(self) -> bool:
        """Give a sign of life, and look at what changes slowly: rivals for the pace, budgets."""
        self._signed_at = self._looked_at
        sending = Campaign.objects.filter(status=CampaignStatus.SENDING)
        sending.filter(pk=self._campaign_id).update(heartbeat_at=Now())
        self._rivals = max(1, sending.count())
        if budget := budgets.spent_budget(self._campaign_id, self._campaign.message_type):
            self._pause(_("The budget %(name)s is spent.") % {"name": budget})
            return False
        return True

    # -- out ------------------------------------------------------------------------------------

    def _pull(self, pool: ThreadPoolExecutor) -> float:
        """Claim what may leave now and hand it to the pool; seconds until it is worth asking again."""
        if (early := self._pull_at - time.monotonic()) > 0:
            return early
        ahead = self._lookahead()
        room = ahead - len(self._flying) - len(self._landed)  # a landed one is claimed until it is written
        if room < self._batch():
            return FLUSH_SECONDS
        wanted = room * self._packer.call_size
        granted = self._reserve(wanted)
        if not granted.count:
            return self._nothing_until(max(granted.wait, self._gather()))
        self._paced = granted.count < wanted
        if self._paced:  # the pace is what holds us: let some gather, instead of asking for each
            self._nothing_until(self._gather())
        asked = time.monotonic()
        claimed = claim(self._packer.claimable(), granted.count)
        # Where the database kept us waiting, somebody may have paused meanwhile.
        if time.monotonic() - asked > LOOK_SECONDS:
            self._looked_at = 0.0
            if claimed.rows and not self._may_go():
                self._landed.append((claimed, dict.fromkeys((row.pk for row in claimed.rows), NOT_STARTED)))
                self._looked_at = 0.0  # the loop asks again, and ends
                return FLUSH_SECONDS
        self._give_back(granted.count - len(claimed.rows))
        self._found_nothing = not claimed.rows
        if not claimed.rows:
            return 0.02 if self._queue_drafts() else self._nothing_until(EMPTY_SECONDS)
        try:
            parcels, refused = self._packer.pack(claimed.rows)
        except Exception:  # nothing has left: they go back to the queue, and not to a person
            self._landed.append((claimed, dict.fromkeys((row.pk for row in claimed.rows), NOT_STARTED)))
            raise
        for parcel in parcels:
            self._submit(pool, claimed, parcel)
        if refused:
            self._landed.append((claimed, refused))
        return 0.02

    def _nothing_until(self, seconds: float) -> float:
        self._pull_at = time.monotonic() + seconds
        return seconds

    def _gather(self) -> float:
        """Seconds in which the pace grants no more than may be claimed at once: the rest would be lost."""
        pace_of_all = min(limit.rate for limit in self._limits())
        return min(GATHER_SECONDS, 0.8 * self._lookahead() * self._packer.call_size / pace_of_all)

    def _lookahead(self) -> int:
        """How many calls may be claimed: the threads', and behind them what surely leaves within a second.

        Larger batches cost fewer queries a message; but what a killed worker had claimed is unconfirmed, so
        little is claimed while the vendor is slow.
        """
        busy = time.monotonic() - self._began
        soon = int(self._answers / busy * AHEAD_SECONDS) if busy > LEARN_SECONDS else 0
        return min(max(self._threads, soon), AHEAD_MOST * self._threads)

    def _batch(self) -> int:
        """How many calls are claimed, or written, at once: as many as leave the threads something to do."""
        ahead = self._lookahead()
        return max(1, ahead // 2, ahead - self._threads - self._threads // 2)

    def _submit(self, pool: ThreadPoolExecutor, claimed: Claim, parcel: Parcel) -> None:
        future = pool.submit(tracing.carried(self._carry), claimed, parcel)
        self._flying[future] = (claimed, parcel)
        future.add_done_callback(self._done.put)

    def _carry(self, claimed: Claim, parcel: Parcel) -> CallResult | None:
        return None if self._stop.is_set() else carry(self._backend, claimed, parcel)

    def _limits(self) -> list[pace.Limit]:
        own = self._campaign.pace
        return pace.account_limits() + ([pace.campaign_limit(self._campaign_id, own)] if own else [])

    def _reserve(self, wanted: int) -> pace.Grant:
        """Reserve sends; of campaigns that send at once each takes its share of a second."""
        fair = math.ceil(app_settings.PACE_PER_SECOND * pace.WINDOW / self._rivals)
        return pace.reserve_all(self._limits(), min(wanted, fair))

    def _give_back(self, count: int) -> None:
        if count > 0:
            for limit in self._limits():
                pace.give_back(limit.key, count, limit.rate)

    def _queue_drafts(self) -> bool:
        drafts = Message.objects.filter(campaign=self._campaign_id, status=Status.DRAFT).order_by("pk")
        ids = list(drafts.values_list("pk", flat=True)[:QUEUE_ROWS])
        choose_for(ids, self._campaign.routing)
        return bool(ids) and bool(
            move(Message.objects.filter(pk__in=ids), Status.DRAFT, Status.QUEUED, Cause.PLAN)
        )

    # -- back -----------------------------------------------------------------------------------

    def _collect(self, pool: ThreadPoolExecutor, seconds: float) -> None:
        """Wait up to ``seconds`` for answers; write them when there are enough or they have waited enough."""
        if self._flying:
            self._take_landed(self._wait(seconds), pool)
        elif not self._landed:
            time.sleep(seconds)
        waited = time.monotonic() - self._flushed_at
        # Under a pace they come in bursts: all of one are written together.
        enough = len(self._landed) >= self._batch() and not self._paced
        if self._landed and (enough or waited >= FLUSH_SECONDS or not self._flying):
            self._flush()

    def _wait(self, seconds: float) -> list[Future[CallResult | None]]:
        """The calls that have ended: at least one, or none within ``seconds``."""
        try:
            done = [self._done.get(timeout=seconds)]
        except queue.Empty:
            return []
        if len(self._flying) > self._threads:  # the threads have work: no need to wake up for each answer
            time.sleep(BREATH_SECONDS)
        while not self._done.empty():
            done.append(self._done.get())
        return done

    def _take_landed(
        self, futures: Iterable[Future[CallResult | None]], pool: ThreadPoolExecutor | None = None
    ) -> None:
        for future in futures:
            claimed, parcel = self._flying.pop(future)
            answer = future.result()
            self._answers += 1
            refused = answer is not None and answer.outcome is Outcome.REFUSED
            halves = parcel.halves() if refused and pool is not None else []
            if pool is not None and halves:
                pace.debit(pace.account_key(), app_settings.PACE_PER_SECOND, len(parcel.items))
                for half in halves:  # until the number that spoils the call is alone
                    self._submit(pool, claimed, half)
            if not halves:
                # A refused call of many that is not halved any more was no fault of most of them: they wait.
                given_up = refused and len(parcel.items) > 1
                self._landed.append((claimed, parcel.results(None if given_up else answer)))

    def _land_all(self) -> None:
        wait(self._flying)
        self._take_landed(list(self._flying))
        self._flush()

    def _flush(self) -> None:
        landed, self._landed = self._landed, []
        self._flushed_at = time.monotonic()
        by_claim: dict[uuid.UUID, dict[int, Result]] = {}
        for claimed, results in landed:
            by_claim.setdefault(claimed.id, {}).update(results)
        if by_claim:
            _record(by_claim)
            self._react([result for _claimed, results in landed for result in results.values()])

    def _react(self, results: list[Result]) -> None:
        """Slow down when the vendor says so; pause when it refuses everything."""
        made = [result.call for result in results if result.call]
        self._give_back(len(results) - len(made))
        calls = list({id(call): call for call in made}.values())  # one answer, however many it was for
        pace.slow_down([call.retry_after for call in calls if call.slow_down])
        if reason := reason_to_pause(self._campaign, calls):
            self._pause(reason)

    def _pause(self, reason: str) -> None:
        self._stop.set()
        self._looked_at = 0.0
        sending = Campaign.objects.filter(pk=self._campaign_id, status=CampaignStatus.SENDING)
        if change(sending, CampaignStatus.PAUSED, cause=WORKER, status_reason=reason[:300]):
            logger.error("campaign %s paused: %s", self._campaign.public_id, reason)


def _hold_on(write: Callable[[], object], what: str) -> None:
    """``write``, and again while the database is away: an answer that is lost is an unconfirmed message, and
    a seat that is not left stays empty until its lease ends.
    """
    ends = time.monotonic() + DATABASE_SECONDS
    while True:
        try:
            write()
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() > ends:
                raise
            logger.warning("the database is away, %s held: %s", what, error)
            connections[database_for(Message)].close()
            time.sleep(1.0)
        else:
            return


def _record(by_claim: dict[uuid.UUID, dict[int, Result]]) -> None:
    _hold_on(partial(record_all, by_claim), f"{sum(map(len, by_claim.values()))} answers are")
