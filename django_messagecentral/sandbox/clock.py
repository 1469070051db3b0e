"""The sandbox's own clock: real time plus an offset that the control API moves."""

from __future__ import annotations

import time
from datetime import UTC, datetime, tzinfo


class Clock:
    """Seconds since the epoch, UTC. Moving it forward makes codes and tokens expire and reports fall due."""

    __slots__ = ("offset",)

    def __init__(self, offset: float = 0.0) -> None:
        self.offset = offset

    def now(self) -> float:
        """Now, in seconds since the epoch (UTC)."""
        return time.time() + self.offset

    def move(self, seconds: float) -> None:
        """Move the clock by so many seconds; negative goes back."""
        self.offset += seconds


def iso(seconds: float) -> str:
    """An instant as ISO 8601 in UTC, to the millisecond: ``2026-01-31T09:15:02.123Z``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class WireTime:
    """Writes instants as callbacks do: ``2023-11-02 13:59:18``, no zone (vendor document, SMS Callback)."""

    __slots__ = ("_cache", "_zone")

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._cache: dict[int, str] = {}

    def write(self, seconds: float) -> str:
        """The instant in this writer's zone, to the second."""
        second = int(seconds)
        text = self._cache.get(second)
        if text is None:
            if len(self._cache) > 10_000:
                self._cache.clear()
            text = datetime.fromtimestamp(second, self._zone).strftime("%Y-%m-%d %H:%M:%S")
            self._cache[second] = text
        return text
