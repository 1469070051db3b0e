"""One pace for the vendor account over all workers, campaigns and machines, and one for each campaign.

The state is one row a stream, on the database's clock: the *next free* moment (the theoretical arrival
time of the generic cell rate algorithm). A worker reserves a batch of sends at a time by a conditional
UPDATE, so the pace is exact for any number of machines and needs no Redis.

When the vendor says 429 or 800 nothing leaves for the time it names, and after that the pace is halved; it
grows back to what was set within :data:`RECOVERY` seconds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import DateTimeField, ExpressionWrapper, F, Q
from django.db.models.functions import Greatest, Least, Now

from django_messagecentral.conf import app_settings
from django_messagecentral.db import database_now
from django_messagecentral.messaging.models import Pace

logger = logging.getLogger("django_messagecentral.dispatch")

SLOW_DOWN_SECONDS = 5.0  # after 429 or 800 without a Retry-After
WINDOW = 1.0  # seconds of sends that may leave at once after a rest
HOUR = 3600.0
RECOVERY = 120.0  # seconds
SLOWEST = 0.05  # share of the pace that halving never goes below
DEBT = 60.0  # seconds that sends which do not wait may take in advance
MAX_TRIES = 20


@dataclass(frozen=True, slots=True)
class Limit:
    """A stream's pace: ``rate`` sends a second,
    and ``window`` seconds' worth of them at once after a rest.
    """

    key: str
    rate: float
    window: float = WINDOW


@dataclass(frozen=True, slots=True)
class Grant:
    """``count`` sends may leave now; with none, ``wait`` seconds until the next may."""

    count: int
    wait: float = 0.0


def account_key() -> str:
    """The stream of the vendor account this site sends through."""
    return f"account:{app_settings.CUSTOMER_ID}"[:80]


def account_limits() -> list[Limit]:
    """The account's limits by the settings: a second, and an hour if there is one."""
    limits = [Limit(account_key(), app_settings.PACE_PER_SECOND)]
    if app_settings.PACE_PER_HOUR:
        limits.append(Limit(f"hour:{account_key()}"[:80], app_settings.PACE_PER_HOUR / HOUR, HOUR))
    return limits


def campaign_limit(campaign_id: int, rate: float) -> Limit:
    """The limit of one campaign with a pace of its own."""
    return Limit(f"campaign:{campaign_id}", rate)


def reserve_all(limits: Sequence[Limit], wanted: int) -> Grant:
    """Reserve up to ``wanted`` sends within every one of ``limits``; what one grants less,
    the others get back.
    """
    granted: list[tuple[Limit, int]] = []
    for limit in limits:
        grant = reserve(limit.key, wanted, limit.rate, window=limit.window)
        for earlier, count in granted:
            give_back(earlier.key, count - grant.count, earlier.rate)
        granted = [(earlier, grant.count) for earlier, _count in granted] + [(limit, grant.count)]
        wanted = grant.count
        if not wanted:
            return grant
    return Grant(wanted)


def reserve(key: str, wanted: int, rate: float, *, window: float = WINDOW) -> Grant:
    """Reserve up to ``wanted`` sends at ``rate`` a second, at most ``window`` seconds' worth at once."""
    for _ in range(MAX_TRIES):
        row, now = _row(key)
        if row.blocked_until and row.blocked_until > now:
            return Grant(0, (row.blocked_until - now).total_seconds())
        pace = rate * _share(row, now)
        ahead = timedelta(seconds=max(window, 1.0 / pace))
        # Further ahead than any reservation goes: the database's clock was set back, or was wrong.
        start = min(max(row.next_free, now), now + ahead + timedelta(seconds=DEBT))
        room = (now + ahead - start).total_seconds() * pace
        count = min(wanted, int(room + 1e-6))
        if count <= 0:
            return Grant(0, max(0.001, (1 - room) / pace))
        if _advance(row, start + timedelta(seconds=count / pace)):
            return Grant(count)
        time.sleep(0.002)
    return Grant(0, 0.1)  # very busy: look again soon


def give_back(key: str, count: int, rate: float) -> None:
    """Return reserved sends that did not leave."""
    for _ in range(MAX_TRIES):
        if count <= 0:
            return
        row, _now = _row(key)
        if _advance(row, row.next_free - timedelta(seconds=count / rate)):
            return


def debit(key: str, rate: float, count: int = 1) -> float:
    """Take ``count`` sends without waiting: single messages go first, campaigns make room, up to
    :data:`DEBT` seconds of it. Seconds for which the vendor wants nothing at all; as a rule 0.
    """
    for _ in range(MAX_TRIES):
        row, now = _row(key)
        ahead = min(max(row.next_free, now), now + timedelta(seconds=DEBT))
        if _advance(row, ahead + timedelta(seconds=count / rate)):
            return max(0.0, (row.blocked_until - now).total_seconds()) if row.blocked_until else 0.0
        time.sleep(0.002)
    return 0.0


def debit_at_once(count: int = 1) -> None:
    """Take ``count`` sends from every limit of the account for a visitor who is waiting for a code.

    One UPDATE a limit: nothing is read first, nothing is tried again, and no lock outlives the statement.
    Campaigns make room, up to :data:`DEBT` seconds beyond what may leave at once.
    """
    for limit in account_limits():
        if not _push(limit, count):  # the account's first send
            Pace.objects.get_or_create(key=limit.key, defaults={"next_free": database_now(Pace)})
            _push(limit, count)


def _push(limit: Limit, count: int) -> bool:
    """Move the next free moment on by ``count`` sends, on the database's clock. False without a row."""
    furthest = Now() + timedelta(seconds=limit.window + DEBT)
    start = Least(Greatest(F("next_free"), Now()), furthest)
    moved = ExpressionWrapper(start + timedelta(seconds=count / limit.rate), output_field=DateTimeField())
    return bool(Pace.objects.filter(key=limit.key).update(next_free=moved))


def block(key: str, seconds: float) -> None:
    """Nothing of this stream leaves for ``seconds``, and after that at half of its present pace."""
    row, now = _row(key)
    until = now + timedelta(seconds=seconds)
    Pace.objects.filter(Q(blocked_until__isnull=True) | Q(blocked_until__lt=until), pk=row.pk).update(
        blocked_until=until
    )
    if row.blocked_until is None or row.blocked_until <= now:  # once for all answers of one burst
        slowed = max(SLOWEST, _share(row, now) / 2)
        Pace.objects.filter(pk=row.pk).update(slowed_to=slowed, slowed_at=until)


def in_force(limit: Limit) -> tuple[float, float]:
    """Sends a second that ``limit`` allows now, and the seconds for which the vendor wants nothing at all.
    One look, which writes nothing.
    """
    row = Pace.objects.filter(key=limit.key).annotate(_now=Now()).first()
    if row is None:
        return limit.rate, 0.0
    blocked = (row.blocked_until - row._now).total_seconds() if row.blocked_until else 0.0
    return limit.rate * _share(row, row._now), max(0.0, blocked)


def slow_down(wishes: Sequence[float | None]) -> None:
    """The vendor answered 429 or 800: block the account's stream for the longest of ``wishes`` (seconds of
    Retry-After, None where it named none).
    """
    if wishes:
        seconds = max(wish or SLOW_DOWN_SECONDS for wish in wishes)
        block(account_key(), seconds)
        logger.warning("the vendor asked for a slower pace: nothing leaves for %.0f s", seconds)


def _share(row: Pace, now: datetime) -> float:
    """Share of the pace that is in force: it grows back evenly after the vendor asked for less."""
    if row.slowed_at is None:
        return 1.0
    passed = (now - row.slowed_at).total_seconds() / RECOVERY
    return min(1.0, max(row.slowed_to, row.slowed_to + (1.0 - row.slowed_to) * passed))


def _row(key: str) -> tuple[Pace, datetime]:
    row = Pace.objects.filter(key=key).annotate(_now=Now()).first()
    if row is None:
        now = database_now(Pace)
        made, _created = Pace.objects.get_or_create(key=key, defaults={"next_free": now})
        return made, now
    return row, row._now


def _advance(row: Pace, next_free: datetime) -> bool:
    return Pace.objects.filter(pk=row.pk, next_free=row.next_free).update(next_free=next_free) == 1
