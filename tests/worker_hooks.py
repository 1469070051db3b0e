"""What a test may watch and move in the processes that it starts: the signals they send, and their clock."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from django_messagecentral import signals

SIGNALS = "signals.jsonl"  # one line a change of status, of all processes
CLOCK = "clock"  # seconds by which the wall clocks of the processes are wrong


def install(home: Path) -> None:
    """In a started process, before the app is loaded. Only what the test has put into ``home`` acts."""
    if (home / SIGNALS).exists():
        _write_signals(home / SIGNALS)
    if (home / CLOCK).exists():
        _follow_clock(home / CLOCK)


def watch_signals(home: Path) -> None:
    """To be called before a process is started."""
    (home / SIGNALS).touch()


def changes(home: Path) -> Iterator[tuple[str, str, str]]:
    """Message's public id, old and new status, in the order of the signals."""
    for line in (home / SIGNALS).read_text().splitlines():
        message, old, new = json.loads(line)
        yield message, old, new


def set_clock(home: Path, seconds: float) -> None:
    """Before a process is started it makes its clock movable; later it moves it."""
    fresh = home / f"{CLOCK}.new"
    fresh.write_text(str(seconds))
    fresh.replace(home / CLOCK)


def _write_signals(path: Path) -> None:
    file = os.open(path, os.O_WRONLY | os.O_APPEND)  # one write a line: processes do not mix theirs

    def note(change: Any, **_: Any) -> None:
        os.write(file, (json.dumps([str(change.public_id), change.old, change.new]) + "\n").encode())

    signals.message_status_changed.connect(note, weak=False)


def _follow_clock(path: Path) -> None:
    """Shift ``time.time()`` and ``timezone.now()``. Monotonic clocks and the database's go right."""
    right_time, right_now = time.time, timezone.now
    time.time = lambda: right_time() + float(path.read_text())
    timezone.now = lambda: right_now() + timedelta(seconds=float(path.read_text()))
