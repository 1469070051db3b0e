"""Counters by IP, session, user and number block, in Django's cache (``add`` + ``incr``).

A window slides: what is left of the window before is weighed by the part of it that is still inside.
Keys hold hashes, so that a cache never holds addresses or numbers in the clear.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.core.cache import caches

from django_messagecentral.conf import app_settings
from django_messagecentral.verification.guards.addresses import network_of
from django_messagecentral.verification.guards.verdict import Ask, Refused, Verdict
from django_messagecentral.verification.reasons import Reason

logger = logging.getLogger("django_messagecentral.verification.guards")

HOUR = 3600
DAY = 86_400
BLOCK_GROWTH = 10  # a block's allowance grows with its entered codes up to this many times the setting


class CountersDown(Exception):
    """The cache does not answer, or answers without counting."""


@dataclass(frozen=True, slots=True)
class Window:
    """One counter: ``limit`` sends in ``seconds`` of one ``value``; ``returned`` when the code is entered."""

    kind: str
    value: str
    limit: int
    seconds: int
    reason: Reason
    returned: bool = False


def windows_of(ask: Ask) -> list[Window]:
    """The counters that a send by ``ask`` takes a unit from."""
    windows = []
    if network := network_of(ask.ip):
        limit = app_settings.OTP_SENDS_PER_IP_HOUR
        windows.append(Window("ip", network, limit, HOUR, Reason.IP_LIMIT, returned=True))
    if ask.subject.startswith("s:"):
        limit = app_settings.OTP_SENDS_PER_SESSION_HOUR
        windows.append(Window("session", ask.subject, limit, HOUR, Reason.SESSION_LIMIT))
    if ask.user_id:
        limit = app_settings.OTP_SENDS_PER_USER_DAY
        windows.append(Window("user", ask.user_id, limit, DAY, Reason.USER_LIMIT))
    base = app_settings.OTP_SENDS_PER_BLOCK_HOUR
    limit = min(base + _entered(ask.block), base * BLOCK_GROWTH)
    windows.append(Window("block", ask.block, limit, HOUR, Reason.BLOCK_LIMIT, returned=True))
    return windows


def take(ask: Ask, now: datetime) -> dict[str, str]:
    """Take a unit from each counter: ``{kind: cache key}``. All or none; raises :class:`Refused`."""
    taken: dict[str, str] = {}
    try:
        for window in windows_of(ask):
            key, retry_at = _take_one(window, now.timestamp())
            taken[window.kind] = key
            if retry_at is not None:
                at = datetime.fromtimestamp(retry_at, UTC)
                ask.refuse(Verdict(window.reason, at, f"{window.kind}:{window.value}"[:80]))
    except Refused:
        give_back(taken)
        raise
    except CountersDown as error:
        give_back(taken)
        logger.error("the cache of the OTP counters does not answer: %s", error.__cause__ or error)
        ask.refuse(Verdict(Reason.COUNTERS_DOWN, scope="cache"))
        return {}
    return taken


def give_back(taken: dict[str, str]) -> None:
    """Return units. A counter that is gone, or a cache that is down, only makes the guard stricter."""
    for key in taken.values():
        try:
            _cache().decr(key)
        except ValueError:
            continue  # its window is over
        except Exception as error:  # noqa: BLE001 (caches raise errors of their client libraries)
            logger.warning("a unit of an OTP counter could not be returned: %s", error)


def code_entered(phone: str, taken: dict[str, str]) -> None:
    """A code was entered: unverified sends are one fewer, and its number block is trusted more."""
    give_back({kind: key for kind, key in taken.items() if kind in ("ip", "block")})
    try:
        _incr(_key("entered", phone[:-3], 0), DAY)
    except CountersDown as error:
        logger.warning("an entered code could not be counted: %s", error.__cause__ or error)


def _take_one(window: Window, now: float) -> tuple[str, float | None]:
    """``(key, retry_at)``; ``retry_at`` is a POSIX time if the limit is passed. The unit is taken anyway."""
    number, elapsed = divmod(now, window.seconds)
    key = _key(window.kind, window.value, int(number))
    count = _incr(key, 2 * window.seconds)
    before = _get(_key(window.kind, window.value, int(number) - 1))
    weight = 1 - elapsed / window.seconds
    if count + before * weight <= window.limit:
        return key, None
    end = (number + 1) * window.seconds
    if count <= window.limit:
        return key, end - window.seconds * (window.limit - count) / before
    left = max(1, count - 1)  # what the next window will weigh, once this unit is given back
    return key, end + window.seconds * (1 - min(1.0, max(0, window.limit - 1) / left))


def _entered(block: str) -> int:
    return max(0, _get(_key("entered", block, 0)))


def _key(kind: str, value: str, number: int) -> str:
    digest = hashlib.sha256(value.encode()).hexdigest()[:32]
    return f"messagecentral:otp:{kind}:{digest}:{number}"


def _cache() -> Any:
    return caches[app_settings.CACHE]


def _incr(key: str, timeout: int) -> int:
    try:
        cache = _cache()
        cache.add(key, 0, timeout)
        count = cache.incr(key)
    except Exception as error:
        raise CountersDown("add + incr failed") from error
    if not isinstance(count, int):
        raise CountersDown("incr did not count")
    return count


def _get(key: str) -> int:
    try:
        return int(_cache().get(key) or 0)
    except Exception as error:
        raise CountersDown("get failed") from error
