"""HTTP between sockets and a handler: keep-alive, delays, resets, half answers, long polls."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
import struct
from collections.abc import Callable
from typing import Protocol

from .answers import REASONS, Answer, problem
from .httpparse import BadRequestError, RequestParser
from .params import Request

logger = logging.getLogger("django_messagecentral.sandbox")

THREAD_ABOVE = 65_536
"""Bodies longer than this many bytes (workbooks) are read in a thread."""


@functools.lru_cache(maxsize=256)
def _head(status: int, content_type: str) -> bytes:
    reason = REASONS.get(status, "Unknown")
    return f"HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\n".encode()


def render(answer: Answer, *, head_only: bool = False, close: bool = False) -> bytes:
    """The answer as bytes."""
    parts = [_head(answer.status, answer.content_type)]
    if answer.headers:
        parts.append(
            "".join(f"{name}: {value}\r\n" for name, value in answer.headers).encode("latin-1", "replace")
        )
    if close:
        parts.append(b"Connection: close\r\n")
    if answer.status in (204, 304):
        parts.append(b"\r\n")
    else:
        parts.append(b"Content-Length: %d\r\n\r\n" % len(answer.body))
        if not head_only:
            parts.append(answer.body)
    return b"".join(parts)


class Handler(Protocol):
    """Who answers requests: a Sandbox, or a Recorder. ``blocking`` ones are asked in a thread."""

    blocking: bool

    def handle(self, request: Request) -> Answer:
        """Answer one request."""


class Waiters:
    """Long polls that look again whenever the sandbox changes; many changes at once are one look."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: set[Callable[[], None]] = set()
        self._scheduled = False

    def wake(self) -> None:
        """Something changed; call in the loop's thread."""
        if self._waiting and not self._scheduled:
            self._scheduled = True
            self._loop.call_later(0.02, self._look)

    def _look(self) -> None:
        self._scheduled = False
        for look in tuple(self._waiting):
            look()

    def add(self, look: Callable[[], None]) -> None:
        """Look on each change, until dropped."""
        self._waiting.add(look)

    def drop(self, look: Callable[[], None]) -> None:
        """Look no more."""
        self._waiting.discard(look)


class Connection(asyncio.Protocol):
    """One client connection. Requests are answered one after the other, in their order."""

    def __init__(self, handler: Handler, waiters: Waiters, open_ones: set[Connection]) -> None:
        self._handler = handler
        self._waiters = waiters
        self._open_ones = open_ones
        self._parser = RequestParser()
        self._transport: asyncio.Transport | None = None
        self._busy = False
        self._look: Callable[[], None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
            self._open_ones.add(self)
            sock = transport.get_extra_info("socket")
            if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client left."""
        self._open_ones.discard(self)
        self._transport = None
        self._stop_waiting()

    def close(self) -> None:
        """Close at once (the server stops)."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._parser.feed(data)
        if not self._busy:
            self._next()
        elif self._transport is not None:
            self._transport.pause_reading()

    def _next(self) -> None:
        while not self._busy and self._transport is not None:
            try:
                request = self._parser.take()
            except BadRequestError as exc:
                self._transport.write(render(problem(exc.status, str(exc)), close=True))
                self._transport.close()
                return
            if request is None:
                if self._parser.expects_continue:
                    self._parser.expects_continue = False
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                self._transport.resume_reading()
                return
            self._begin(request)

    def _begin(self, request: Request) -> None:
        if self._handler.blocking or len(request.body) > THREAD_ABOVE:
            self._busy = True
            future = asyncio.get_running_loop().run_in_executor(None, self._handle, request)
            future.add_done_callback(lambda done: self._give(request, done.result()))
        else:
            self._give(request, self._handle(request))

    def _handle(self, request: Request) -> Answer:
        try:
            return self._handler.handle(request)
        except Exception:
            logger.exception("%s %s could not be answered", request.method, request.path)
            return problem(500, "the sandbox itself failed; its log says where")

    def _give(self, request: Request, answer: Answer) -> None:
        loop = asyncio.get_running_loop()
        if answer.poll is not None:
            self._busy = True
            self._wait(request, answer, loop)
        elif answer.delay > 0:
            self._busy = True
            self._timer = loop.call_later(answer.delay, self._write, request, answer)
        else:
            self._write(request, answer)

    def _wait(self, request: Request, answer: Answer, loop: asyncio.AbstractEventLoop) -> None:
        def look() -> None:
            found = answer.poll() if answer.poll is not None else None
            if found is not None:
                self._stop_waiting()
                self._write(request, found)

        def give_up() -> None:
            self._stop_waiting()
            self._write(request, answer)

        self._look = look
        self._waiters.add(look)
        self._timer = loop.call_later(answer.poll_seconds, give_up)

    def _stop_waiting(self) -> None:
        if self._look is not None:
            self._waiters.drop(self._look)
            self._look = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _write(self, request: Request, answer: Answer) -> None:
        self._timer = None
        transport = self._transport
        if transport is None:
            return
        if answer.fault == "reset":
            reset(transport)
            return
        if answer.fault == "half":
            whole = render(answer)
            transport.write(whole[: len(whole) - len(answer.body) // 2])
            transport.close()
            return
        close = not self._parser.keep_alive
        transport.write(render(answer, head_only=request.method == "HEAD", close=close))
        if close:
            transport.close()
            return
        if self._busy:
            self._busy = False
            self._next()


def reset(transport: asyncio.Transport) -> None:
    """Close so that the client sees a TCP reset, not an orderly end."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
