"""One phone's cool-down, limits and lock, exact on every database.

The decisions are pure functions of a small :class:`State`; the row is locked where the database has row
locks and written only if its ``version`` is still the one that was read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import models
from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.db import Conflict, locked
from django_messagecentral.verification.guards.verdict import Verdict
from django_messagecentral.verification.models import PhoneLedger
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.transactions import committed

HOUR = 3600.0
DAY = 86_400.0
LEVELS_FORGOTTEN_AFTER = timedelta(days=7)


@dataclass(slots=True)
class State:
    """What is remembered of one phone; times are POSIX seconds."""

    sends: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)
    lock_level: int = 0
    locked_until: datetime | None = None
    verified_at: datetime | None = None

    def prune(self, now: datetime) -> None:
        """Forget sends of more than a day ago, wrong codes of more than an hour ago, and old lock levels."""
        at = now.timestamp()
        self.sends = [time for time in self.sends if at - time < DAY]
        self.wrong = [time for time in self.wrong if at - time < HOUR]
        if self.locked_until and now - self.locked_until > LEVELS_FORGOTTEN_AFTER:
            self.locked_until, self.lock_level = None, 0

    def lock_verdict(self, now: datetime) -> Verdict | None:
        """Locks when the hour's wrong codes are spent; a verdict while locked."""
        if self.locked_until and self.locked_until > now:
            return Verdict(Reason.PHONE_LOCKED, self.locked_until)
        if len(self.wrong) < app_settings.OTP_PHONE_WRONG_CODES_PER_HOUR:
            return None
        delays = app_settings.OTP_LOCK_DELAYS
        self.locked_until = now + timedelta(seconds=delays[min(self.lock_level, len(delays) - 1)])
        self.lock_level += 1
        self.wrong = []
        return Verdict(Reason.PHONE_LOCKED, self.locked_until)

    def next_send(self) -> datetime | None:
        """When the cool-down after the last send ends; None when nothing was sent lately."""
        if not self.sends or not app_settings.OTP_COOLDOWNS:
            return None
        since = self.verified_at.timestamp() if self.verified_at else 0.0
        streak = max(1, sum(1 for time in self.sends if time > since))
        waits = app_settings.OTP_COOLDOWNS
        return _at(max(self.sends) + waits[min(streak, len(waits)) - 1])

    def send_verdict(self, now: datetime) -> Verdict | None:
        """Whether another send must wait, and until when."""
        if verdict := self.lock_verdict(now):
            return verdict
        at = now.timestamp()
        hour = sorted(time for time in self.sends if at - time < HOUR)
        waits = []
        if len(hour) >= app_settings.OTP_SENDS_PER_PHONE_HOUR:
            waits.append(_at(hour[-app_settings.OTP_SENDS_PER_PHONE_HOUR] + HOUR))
        if len(self.sends) >= app_settings.OTP_SENDS_PER_PHONE_DAY:
            waits.append(_at(sorted(self.sends)[-app_settings.OTP_SENDS_PER_PHONE_DAY] + DAY))
        if waits:
            return Verdict(Reason.PHONE_LIMIT, max(waits))
        cool = self.next_send()
        return Verdict(Reason.COOLDOWN, cool) if cool and cool > now else None

    def stamp(self, times: list[float], now: datetime) -> float:
        """Add ``now`` to ``times``, moved on by microseconds until it is unique there."""
        stamp = now.timestamp()
        while stamp in times:
            stamp += 1e-6
        times.append(stamp)
        return stamp


def change(phone: str, holder: str, decide: Callable[[State], object]) -> None:
    """Read the row, let ``decide`` change the state, write it. Inside a transaction; raises ``Conflict``."""
    rows = PhoneLedger.objects.filter(phone=phone, holder=holder)
    row = locked(rows).first()
    if row is None:
        PhoneLedger.objects.bulk_create([PhoneLedger(phone=phone, holder=holder)], ignore_conflicts=True)
        row = locked(rows).first()
        if row is None:
            raise Conflict("the ledger's row is not visible yet")
    state = State(list(row.sends), list(row.wrong), row.lock_level, row.locked_until, row.verified_at)
    decide(state)
    written = rows.filter(version=row.version).update(
        version=models.F("version") + 1,
        sends=state.sends,
        wrong=state.wrong,
        lock_level=state.lock_level,
        locked_until=state.locked_until,
        verified_at=state.verified_at,
        changed_at=timezone.now(),
    )
    if not written:
        raise Conflict("the ledger was changed meanwhile")


@committed
def persist_lock(phone: str, holder: str, now: datetime) -> Verdict | None:
    """Write down the lock that a refused (and so undone) reservation ran into; its verdict."""
    found: list[Verdict | None] = []

    def decide(state: State) -> None:
        state.prune(now)
        found.append(state.lock_verdict(now))

    change(phone, holder, decide)
    return found[-1]


def read(phone: str, holder: str, now: datetime) -> State:
    """The state as it is, pruned, without a lock: for times shown to people."""
    row = PhoneLedger.objects.filter(phone=phone, holder=holder).first()
    if row is None:
        return State()
    state = State(list(row.sends), list(row.wrong), row.lock_level, row.locked_until, row.verified_at)
    state.prune(now)
    return state


def lately(row: PhoneLedger) -> State:
    """The sends of the last day and the wrong codes of the last hour that ``row`` holds."""
    state = State(list(row.sends), list(row.wrong))
    state.prune(timezone.now())
    return state


def unlock(phone: str) -> int:
    """Forget sends, wrong codes and locks of a phone, anybody's: how many rows changed."""
    return PhoneLedger.objects.filter(phone=phone).update(
        version=models.F("version") + 1, sends=[], wrong=[], lock_level=0, locked_until=None
    )


def _at(posix: float) -> datetime:
    return datetime.fromtimestamp(posix, UTC)
