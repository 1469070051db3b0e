"""Posts delivery callbacks over a bounded pool of keep-alive connections, on asyncio."""

from __future__ import annotations

import asyncio
import functools
import json
import ssl
import time
from collections import deque
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from .clock import WireTime
from .delivery import payload
from .model import Attempt, Report
from .state import State

SAID = 300
"""Characters of a callback's answer that are kept."""
IDLE_SECONDS = 30.0


class Destination(NamedTuple):
    """A callback URL taken apart; ``head`` is the request's head up to the length."""

    origin: str
    host: str
    port: int
    secure: bool
    head: bytes


@functools.lru_cache(maxsize=8)
def destination(url: str) -> Destination:
    """Take a callback URL apart."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    host = parts.netloc.rpartition("@")[2]
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        "User-Agent: messagecentral-sandbox\r\nAccept: */*\r\nContent-Length: "
    )
    port = parts.port or (443 if secure else 80)
    return Destination(
        f"{parts.scheme}://{parts.netloc}", parts.hostname or "", port, secure, head.encode("latin-1")
    )


class Exchange(asyncio.Protocol):
    """One keep-alive connection to the callback URL's host; one POST at a time."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self._buffer = bytearray()
        self._waiter: asyncio.Future[tuple[int, str]] | None = None
        self._closed = False

    @property
    def usable(self) -> bool:
        """True while another POST can go over this connection."""
        return not self._closed and self.transport is not None and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        if isinstance(transport, asyncio.Transport):
            self.transport = transport

    def post(self, raw: bytes) -> asyncio.Future[tuple[int, str]]:
        """Send a request; the future gives (status, the answer's first characters) or ConnectionError."""
        self._waiter = asyncio.get_running_loop().create_future()
        self._buffer.clear()
        if self.transport is None:
            self._waiter.set_exception(ConnectionResetError("not connected"))
        else:
            self.transport.write(raw)
        return self._waiter

    def data_received(self, data: bytes) -> None:
        """Bytes of an answer."""
        self._buffer += data
        self._look(ended=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """The host closed the connection."""
        self._closed = True
        self._look(ended=True)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionResetError("closed without an answer"))

    def _look(self, *, ended: bool) -> None:
        if self._waiter is None or self._waiter.done():
            return
        try:
            found = read_answer(self._buffer, ended=ended)
        except ValueError as exc:
            self._closed = True
            self._waiter.set_exception(ConnectionError(str(exc)))
            return
        if found is not None:
            status, body, keep = found
            self._closed = self._closed or not keep
            self._waiter.set_result((status, body.decode("utf-8", "replace")[:SAID]))

    def close(self) -> None:
        """Close the connection."""
        self._closed = True
        if self.transport is not None:
            self.transport.close()


def read_answer(buffer: bytearray, *, ended: bool) -> tuple[int, bytes, bool] | None:
    """(status, body, may the connection be kept) once the answer is whole; raises ValueError for no HTTP."""
    while True:
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > 65_536:
                raise ValueError("the answer's head is too long")
            return None
        lines = bytes(buffer[:end]).lower().split(b"\r\n")
        words = lines[0].split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"http/1.") or not words[1].isdigit():
            raise ValueError("the answer is not HTTP")
        status = int(words[1])
        if status >= 200:
            break
        del buffer[: end + 4]
    headers = dict(line.partition(b":")[::2] for line in lines[1:])
    fields = {name: value.strip() for name, value in headers.items()}
    keep = words[0] == b"http/1.1" and fields.get(b"connection") != b"close"
    body = bytes(buffer[end + 4 :])
    if status in (204, 304):
        return status, b"", keep
    if b"chunked" in fields.get(b"transfer-encoding", b""):
        whole = ended or b"\r\n0\r\n\r\n" in body or body.startswith(b"0\r\n\r\n")
        return (status, body, keep and not ended) if whole else None
    length = fields.get(b"content-length")
    if length is None:
        return (status, body, False) if ended else None
    if not length.isdigit():
        raise ValueError("the answer's Content-Length is no number")
    return (status, body[: int(length)], keep) if len(body) >= int(length) else None


class Poster:
    """Takes due reports from a State and posts them to ``config.callback_url``."""

    def __init__(self, state: State, loop: asyncio.AbstractEventLoop) -> None:
        self._state = state
        self._loop = loop
        self._queue: deque[Report] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._idle: deque[tuple[str, Exchange]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._zone = ""
        self._wire_time = WireTime(ZoneInfo("UTC"))
        self._stopped = False
        self._tls: ssl.SSLContext | None = None

    def pump(self) -> None:
        """Start what is due and look again when the next falls due. Call in the loop's thread."""
        if self._stopped:
            return
        due = self._state.next_due()
        now = self._state.clock.now()
        if due is not None and due <= now:
            self._queue.extend(self._state.take_due())
            self._start_workers()
            due = self._state.next_due()
        if due is None:
            return
        at = self._loop.time() + min(max(due - self._state.clock.now(), 0.002), 3600.0)
        if self._timer is None or at < self._timer_at or self._timer_at <= self._loop.time():
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = at
            self._timer = self._loop.call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.pump()

    def _start_workers(self) -> None:
        room = self._state.config.callback_connections - len(self._tasks)
        for _ in range(min(room, len(self._queue))):
            task = self._loop.create_task(self._work())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        while self._queue and not self._stopped:
            report = self._queue.popleft()
            if not self._state.known(report):
                continue
            started = time.perf_counter()
            at = self._state.clock.now()
            status: int | None = None
            try:
                async with asyncio.timeout(self._state.config.callback_timeout):
                    status, said = await self._post(report)
            except TimeoutError:
                said = f"no answer within {self._state.config.callback_timeout:g} s"
            except (OSError, ssl.SSLError) as exc:
                said = f"{type(exc).__name__}: {exc}"[:SAID]
            self._state.posted(report, Attempt(at, status, said, time.perf_counter() - started))
        self.pump()

    async def _post(self, report: Report) -> tuple[int, str]:
        address = self._state.config.callback_url
        if address is None:
            raise ConnectionAbortedError("the callback URL was removed")
        url = destination(address)
        raw = self._request(url, report)
        exchange, fresh = await self._connection(url)
        try:
            answered = await exchange.post(raw)
        except ConnectionError:
            exchange.close()
            if fresh:
                raise
            # The host closed an idle connection: a new one, as every HTTP client does.
            exchange = await self._connect(url)
            answered = await exchange.post(raw)
        except asyncio.CancelledError:
            exchange.close()
            raise
        if exchange.usable:
            exchange.idle_since = self._loop.time()
            self._idle.append((url.origin, exchange))
        else:
            exchange.close()
        return answered

    def _request(self, url: Destination, report: Report) -> bytes:
        if self._zone != self._state.config.callback_timezone:
            self._zone = self._state.config.callback_timezone
            self._wire_time = WireTime(ZoneInfo(self._zone))
        body = json.dumps(payload(report, self._wire_time)).encode()
        return url.head + b"%d\r\n\r\n" % len(body) + body

    async def _connection(self, url: Destination) -> tuple[Exchange, bool]:
        """(a connection, is it new). The longest idle beyond 30 s are closed on the way."""
        now = self._loop.time()
        while self._idle:
            known, exchange = self._idle.pop()
            if known == url.origin and exchange.usable and now - exchange.idle_since < IDLE_SECONDS:
                return exchange, False
            exchange.close()
        return await self._connect(url), True

    async def _connect(self, url: Destination) -> Exchange:
        if url.secure and self._tls is None:
            self._tls = ssl.create_default_context()
        _, exchange = await self._loop.create_connection(
            Exchange, url.host, url.port, ssl=self._tls if url.secure else None
        )
        return exchange

    async def stop(self) -> None:
        """Stop posting; what is under way is cut."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        while self._idle:
            self._idle.pop()[1].close()
