"""Prometheus gauges of what waits in the database, looked at when it is scraped.

``messagecentral_state_up``
    1 when the database answered; without it the gauges below are missing, and the site's others are not.
``messagecentral_queue_oldest_seconds``
    How long the oldest queued message that could leave now has waited. Looked for among the first
    :data:`IN_LINE` in line of each sending campaign, and of the single messages.
``messagecentral_live_messages{status}``
    Messages of campaigns that are sending or paused.
``messagecentral_live_campaigns{status}``
    Those campaigns.
``messagecentral_callbacks_waiting``, ``messagecentral_callbacks_oldest_seconds``
    Delivery reports that wait for a worker, counted up to :data:`MOST`, and for how long the oldest is due.
``messagecentral_unconfirmed``
    Messages that may have left, for a report or a person to settle; counted up to :data:`MOST`.
``messagecentral_otp_budget_left``
    One-time codes the site may still send today (UTC).
``messagecentral_pace``, ``messagecentral_pace_blocked_seconds``
    Messages a second that the vendor's account may send now, and for how long it may send none.

Nothing here costs more in a larger table: counts are the folded ones or stop at :data:`MOST`, and the oldest
is the first of an index. Every process that is scraped tells the same values, so take their ``max``. Where
the processes of a host share a directory (``prometheus_client.multiprocess``), register one collector::

    registry.register(StateCollector())
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connections
from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.db import database_for

if TYPE_CHECKING:
    from prometheus_client.core import Metric

logger = logging.getLogger("django_messagecentral.metrics")

IN_LINE = 500  # messages looked at in each queue
LIVE_MOST = 200  # live campaigns looked at
MOST = 100_000  # counts stop here
REMEMBERED = 5.0  # seconds for which a process answers without a look

_PREFIX = "messagecentral_"
_HELP = {
    "state_up": "Whether the database answered",
    "queue_oldest_seconds": "Age of the oldest queued message that could leave now",
    "live_messages": "Messages of campaigns that are sending or paused",
    "live_campaigns": "Campaigns that are sending or paused",
    "callbacks_waiting": "Delivery reports that wait for a worker",
    "callbacks_oldest_seconds": "For how long the oldest of them is due",
    "unconfirmed": "Messages that may have left",
    "otp_budget_left": "One-time codes the site may still send today",
    "pace": "Messages a second that the account may send now",
    "pace_blocked_seconds": "Seconds for which the account may send none",
}
_BY_STATUS = ("live_messages", "live_campaigns")

Sample = tuple[str, str, float]  # gauge, status ("" where it has none), value


class StateCollector:
    """A collector for ``prometheus_client``: ``registry.register(StateCollector())``."""

    def __init__(self, remembered: float = REMEMBERED) -> None:
        self._remembered = remembered
        self._lock = threading.Lock()
        self._known: list[Sample] = []
        self._known_at: float | None = None

    def describe(self) -> list[Metric]:
        """Names only: registering must not touch the database."""
        return list(_metrics([]))

    def collect(self) -> Iterator[Metric]:
        return _metrics(self._samples())

    def _samples(self) -> list[Sample]:
        with self._lock:
            fresh = self._known_at is not None and time.monotonic() - self._known_at < self._remembered
            if not fresh:
                self._known, self._known_at = look(), time.monotonic()
            return self._known


def look() -> list[Sample]:
    """Every gauge now. A database that does not answer is a value of its own, and never an exception."""
    from django_messagecentral.messaging.models import Message

    connection = connections[database_for(Message)]
    borrowed = connection.connection is not None
    try:
        return [("state_up", "", 1.0), *_queue(), *_callbacks(), *_otp(), *_pace()]
    except Exception:  # whatever it is must not take the site's other metrics with it
        logger.warning("the state could not be read", exc_info=True)
        return [("state_up", "", 0.0)]
    finally:
        if not borrowed:  # prometheus-client's own server has a new thread for each scrape
            connection.close()


def _metrics(samples: Iterable[Sample]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    families = {
        name: GaugeMetricFamily(_PREFIX + name, text, labels=["status"] if name in _BY_STATUS else None)
        for name, text in _HELP.items()
    }
    for name, status, value in samples:
        families[name].add_metric([status] if name in _BY_STATUS else [], value)
    yield from families.values()


def _queue() -> Iterator[Sample]:
    from django_messagecentral.campaigns.models import Campaign
    from django_messagecentral.campaigns.states import LIVE, CampaignStatus
    from django_messagecentral.messaging import counters
    from django_messagecentral.messaging.models import Message
    from django_messagecentral.messaging.states import Status

    now = timezone.now()
    newest = Campaign.objects.filter(status__in=LIVE).order_by("-pk")[:LIVE_MOST]
    live = dict(newest.values_list("pk", "status"))
    by_status = Counter(live.values())
    for status in LIVE:
        yield "live_campaigns", status.value, float(by_status[status])
    messages: Counter[str] = Counter()
    for counts in counters.read_many(live).values():
        messages.update(counts)
    for message_status in Status:
        yield "live_messages", message_status.value, float(max(0, messages[message_status.value]))

    going = [pk for pk, status in live.items() if status == CampaignStatus.SENDING]
    yield "queue_oldest_seconds", "", (now - (oldest_queued(going, now) or now)).total_seconds()
    unconfirmed = Message.objects.filter(status=Status.UNCONFIRMED).order_by()
    yield "unconfirmed", "", float(unconfirmed[:MOST].count())


def oldest_queued(sending: Iterable[int], now: datetime) -> datetime | None:
    """Since when the oldest message waits that could leave now: a single one, or one of the campaigns with
    the ids ``sending``. Looked for among the first :data:`IN_LINE` of each queue; None where none waits.
    """
    from django_messagecentral.messaging.models import Message
    from django_messagecentral.messaging.states import Status

    waiting: list[datetime] = []
    for campaign in (None, *sending):
        line = Message.objects.filter(status=Status.QUEUED, campaign=campaign).order_by("pk")
        for not_before, since in line.values_list("not_before", "updated_at")[:IN_LINE]:
            if not_before is None or not_before <= now:
                waiting.append(max(since, not_before or since))
    return min(waiting, default=None)


def _callbacks() -> Iterator[Sample]:
    from django_messagecentral.callbacks.models import Callback

    now = timezone.now()
    waiting = Callback.objects.filter(state=Callback.State.PENDING)
    due_at: datetime | None = waiting.order_by("next_try_at").values_list("next_try_at", flat=True).first()
    yield "callbacks_waiting", "", float(waiting.order_by()[:MOST].count())
    waited = now - due_at if due_at else timedelta()
    yield "callbacks_oldest_seconds", "", max(0.0, waited.total_seconds())


def _otp() -> Iterator[Sample]:
    from django_messagecentral.verification.guards.budgets import SITE
    from django_messagecentral.verification.models import SendBudget

    today = timezone.now().date()
    used = SendBudget.objects.filter(scope=SITE, day=today).values_list("used", flat=True).first() or 0
    yield "otp_budget_left", "", float(max(0, app_settings.OTP_DAILY_BUDGET - used))


def _pace() -> Iterator[Sample]:
    from django_messagecentral.messaging import pace

    found = [pace.in_force(limit) for limit in pace.account_limits()]
    yield "pace", "", min(rate for rate, _blocked in found)
    yield "pace_blocked_seconds", "", max(blocked for _rate, blocked in found)
