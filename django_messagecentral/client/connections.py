"""Connections that know whether anything has been sent: what tells "never left" from "may have left".

urllib3 reports a reset during the TLS handshake and a reset after the request with the same errors. So the
connection itself notes, for the thread that uses it, when the first byte of a request goes out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

# Balancers and NATs drop idle connections without a word, and a request sent into one is lost without an
# answer: nobody could say that it never arrived.
MAX_IDLE: Final = 20.0  # seconds


class TooLate(OSError):
    """:func:`only_while` has closed before the first byte: nothing was sent."""


class Progress(threading.local):
    """How far the running call of this thread has come. ``seen``: one of our connections is in use;
    ``too_late``: it was stopped before its first byte.
    """

    seen = False
    left = False
    too_late = False
    may_begin: Callable[[], bool] | None = None

    def begin(self) -> None:
        self.seen = self.left = self.too_late = False

    def leave(self) -> None:
        """The first byte is about to go out. Raises :class:`TooLate`."""
        self.seen = True
        if not self.left and self.may_begin is not None and not self.may_begin():
            self.too_late = True
            raise TooLate
        self.left = True


progress = Progress()


@contextmanager
def only_while(may_begin: Callable[[], bool]) -> Iterator[None]:
    """Inside, no request of this thread begins once ``may_begin`` answers False: instead of it
    :class:`~django_messagecentral.exceptions.ConnectionNotMade` is raised, which says that nothing left.

    It is asked right before the first byte of each request, the token's too: after all waiting for a
    connection or for another's token, and after whatever stopped the process meanwhile.
    """
    before = progress.may_begin
    progress.may_begin = may_begin
    try:
        yield
    finally:
        progress.may_begin = before


class _Tracked:
    """Mixed into urllib3's connections."""

    sock: Any
    _last_used: float = 0.0

    def connect(self) -> None:
        progress.seen = True
        try:
            super().connect()  # type: ignore[misc]
        finally:
            progress.left = False  # a proxy's CONNECT is not the request
        self._last_used = time.monotonic()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        progress.leave()
        super().send(data)  # type: ignore[misc]

    def getresponse(self) -> Any:
        response = super().getresponse()  # type: ignore[misc]
        self._last_used = time.monotonic()
        return response

    @property
    def is_connected(self) -> bool:
        """False makes the pool open the connection anew before it is used again."""
        idle = time.monotonic() - self._last_used
        return idle < MAX_IDLE and bool(super().is_connected)  # type: ignore[misc]


class TrackedHTTPConnection(_Tracked, HTTPConnection):
    pass


class TrackedHTTPSConnection(_Tracked, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = TrackedHTTPConnection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = TrackedHTTPSConnection


def _use_tracked_pools(manager: PoolManager) -> None:
    manager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}


class TrackedAdapter(HTTPAdapter):
    """Retries nothing by itself (``max_retries=0``); ``pool_size`` connections are kept."""

    def __init__(self, pool_size: int) -> None:
        super().__init__(pool_connections=2, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _use_tracked_pools(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        _use_tracked_pools(manager)
        return manager
