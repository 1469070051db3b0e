"""Lets the garbage collector look less often while millions of short-lived rows go by."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ALLOCATIONS = 50_000  # objects between two looks at the youngest; Python's own default is 700

_lock = threading.Lock()
_inside = 0
_before = (0, 0, 0)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Rows are freed by their reference counts; looking for cycles among them takes a quarter of an import's
    time. The threshold is the process's, so the first to enter raises it and the last to leave restores it.
    """
    global _inside, _before
    with _lock:
        if not _inside:
            _before = gc.get_threshold()
            if 0 < _before[0] < ALLOCATIONS:
                gc.set_threshold(ALLOCATIONS, *_before[1:])
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                gc.set_threshold(*_before)
