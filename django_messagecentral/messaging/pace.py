"""One pace for the vendor account over all workers, campaigns and machines, and one for each campaign.

The state is one row a stream, on the database's clock: the *next free* moment (the theoretical arrival
time of the generic cell rate algorithm). A worker reserves a batch of sends at a time by a conditional
UPDATE, so the pace is exact for any number of machines and needs no Redis.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q
from django.db.models.functions import Now

from django_messagecentral.conf import app_settings
from django_messagecentral.db import database_now
from django_messagecentral.messaging.models import Pace

WINDOW = 1.0  # seconds of sends that may leave at once after a rest
MAX_TRIES = 20


@dataclass(frozen=True, slots=True)
class Grant:
    """``count`` sends may leave now; with none, ``wait`` seconds until the next may."""

    count: int
    wait: float = 0.0


def account_key() -> str:
    """The stream of the vendor account this site sends through."""
    return f"account:{app_settings.CUSTOMER_ID}"[:80]


def campaign_key(campaign_id: int) -> str:
    """The stream of one campaign with a pace of its own."""
    return f"campaign:{campaign_id}"


def reserve(key: str, wanted: int, rate: float) -> Grant:
    """Reserve up to ``wanted`` sends at ``rate`` a second, at most a second's worth at once."""
    window = timedelta(seconds=max(WINDOW, 1.0 / rate))
    for _ in range(MAX_TRIES):
        row, now = _row(key)
        if row.blocked_until and row.blocked_until > now:
            return Grant(0, (row.blocked_until - now).total_seconds())
        start = max(row.next_free, now)
        room = (now + window - start).total_seconds() * rate
        count = min(wanted, int(room + 1e-6))
        if count <= 0:
            return Grant(0, max(0.001, (1 - room) / rate))
        if _advance(row, start + timedelta(seconds=count / rate)):
            return Grant(count)
        time.sleep(0.002)
    return Grant(0, 0.1)  # very busy: look again soon


def give_back(key: str, count: int, rate: float) -> None:
    """Return reserved sends that did not leave."""
    for _ in range(MAX_TRIES):
        row, _now = _row(key)
        if count <= 0 or _advance(row, row.next_free - timedelta(seconds=count / rate)):
            return


def block(key: str, seconds: float) -> None:
    """Nothing of this stream leaves for ``seconds``: the vendor said 429 or 800."""
    row, now = _row(key)
    until = now + timedelta(seconds=seconds)
    Pace.objects.filter(Q(blocked_until__isnull=True) | Q(blocked_until__lt=until), pk=row.pk).update(
        blocked_until=until
    )


def _row(key: str) -> tuple[Pace, datetime]:
    row = Pace.objects.filter(key=key).annotate(_now=Now()).first()
    if row is None:
        now = database_now(Pace)
        made, _created = Pace.objects.get_or_create(key=key, defaults={"next_free": now})
        return made, now
    return row, row._now


def _advance(row: Pace, next_free: datetime) -> bool:
    return Pace.objects.filter(pk=row.pk, next_free=row.next_free).update(next_free=next_free) == 1


def debit(key: str, rate: float, count: int = 1) -> None:
    """Take ``count`` sends without waiting: one-time passwords and single messages go first,
    campaigns make room.
    """
    for _ in range(MAX_TRIES):
        row, now = _row(key)
        if _advance(row, max(row.next_free, now) + timedelta(seconds=count / rate)):
            return
        time.sleep(0.002)
