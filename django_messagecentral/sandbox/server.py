"""Runs a sandbox: in this thread until told to stop, or beside a test in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .config import Config
from .core import Sandbox
from .httpd import Connection, Waiters
from .poster import Poster
from .replay import Replay
from .state import State
from .storage import FileJournal


def build(
    settings: dict[str, Any],
    *,
    seed: int | None = None,
    file: str | Path | None = None,
    replay: str | Path | None = None,
) -> Sandbox:
    """A sandbox with these settings, over a file if one is named (what is set here wins over the file).

    ``replay`` names a recording whose answers come first. Raises ConfigError, StorageError, ReplayError.
    """
    sandbox = Sandbox(Config().changed(**settings), seed=seed)
    if replay is not None:
        sandbox.replay = Replay(replay, sandbox.state)
    if file is not None:
        FileJournal(file).open(sandbox.state)
        sandbox.state.configure(**{name: value for name, value in settings.items() if value is not None})
    return sandbox


class Engine:
    """What runs on the event loop: the HTTP server (if a socket is given) and the poster of callbacks."""

    def __init__(self, sandbox: Sandbox, sock: socket.socket | None) -> None:
        self.sandbox = sandbox
        self._sock = sock
        self._thread_id = 0
        self._connections: set[Connection] = set()
        self._awake = False

    async def run(self, started: Callable[[], None], stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set."""
        loop = asyncio.get_running_loop()
        self._thread_id = threading.get_ident()
        state = self.sandbox.state
        poster, waiters = Poster(state, loop), Waiters(loop)

        def news() -> None:
            self._awake = False
            poster.pump()
            waiters.wake()

        def changed() -> None:
            if self._awake:
                return
            self._awake = True
            if threading.get_ident() == self._thread_id:
                loop.call_soon(news)
            else:
                with contextlib.suppress(RuntimeError):  # the loop has just ended
                    loop.call_soon_threadsafe(news)

        state.listeners.append(changed)
        server: asyncio.Server | None = None
        if self._sock is not None:
            server = await loop.create_server(
                lambda: Connection(self.sandbox, waiters, self._connections), sock=self._sock, backlog=1024
            )
        try:
            poster.pump()
            started()
            await stop.wait()
        finally:
            state.listeners.remove(changed)
            if server is not None:
                server.close()
            for connection in tuple(self._connections):
                connection.close()
            await poster.stop()


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket; raises OSError with the address in it when it is taken."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
        except OSError:
            sock.close()
            raise
    except OSError as exc:
        raise OSError(exc.errno, f"cannot listen on {host}:{port}: {exc.strerror or exc}") from exc
    return sock


def url_of(sock: socket.socket) -> str:
    """``http://host:port`` of a bound socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class EngineThread:
    """An Engine in a daemon thread."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start and wait until it serves."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(ready,), name="messagecentral-sandbox", daemon=True
        )
        self._thread.start()
        ready.wait()

    def _run(self, ready: threading.Event) -> None:
        async def main() -> None:
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            await self._engine.run(ready.set, self._stop)

        try:
            asyncio.run(main())
        finally:
            ready.set()

    def stop(self) -> None:
        """Stop and wait for the thread's end."""
        if (
            self._loop is not None
            and self._stop is not None
            and self._thread is not None
            and self._thread.is_alive()
        ):
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(timeout=10)
            self._thread = None


class SandboxServer:
    """A sandbox over HTTP in a thread of this process, for tests and demos::

        with SandboxServer(callback_url="http://127.0.0.1:8000/webhook/", otp_timeout=5) as sandbox:
            requests.get(sandbox.url + "/auth/v1/authentication/token", params=...)

    ``port=0`` takes a free one. Other keywords are settings of ``Config``; ``seed`` makes draws repeat.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        seed: int | None = None,
        callback_url: str | None = None,
        file: str | Path | None = None,
        replay: str | Path | None = None,
        **settings: Any,
    ) -> None:
        self.core = build(settings | {"callback_url": callback_url}, seed=seed, file=file, replay=replay)
        self.core.loopback_only = is_loopback(host)
        self._address = (host, port)
        self._thread: EngineThread | None = None
        self.url = ""

    @property
    def state(self) -> State:
        """Everything the sandbox remembers."""
        return self.core.state

    def start(self) -> Self:
        """Listen; ``url`` is set then."""
        sock = open_socket(*self._address)
        self.url = url_of(sock)
        self._thread = EngineThread(Engine(self.core, sock))
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and posting callbacks."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        if self.core.state.journal is not None:
            self.core.state.journal.close()
            self.core.state.journal = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # What tests ask for

    def configure(self, **settings: Any) -> None:
        """Change settings while it runs; raises ConfigError."""
        self.state.configure(**settings)

    def messages(self, mobile: str | None = None) -> list[dict[str, Any]]:
        """Texts received by a phone (digits, country code first) or by all, newest first."""
        return self.core.messages(mobile)

    def stats(self) -> dict[str, Any]:
        """Exact counts."""
        return self.state.stats()

    def reset(self, seed: int | None = None) -> None:
        """Forget phones, codes, reports and counts."""
        self.state.reset(seed)

    def move_clock(self, seconds: float) -> None:
        """Move the sandbox's clock by so many seconds."""
        self.state.move_clock(seconds)

    def expire_tokens(self) -> None:
        """Every token given out so far is refused from now on."""
        self.state.end_tokens()

    def wait_for_message(self, mobile: str, *, after: int = 0, timeout: float = 10.0) -> dict[str, Any]:
        """A phone's newest text with an id above ``after``; raises TimeoutError after so many seconds."""
        found = self._wait(lambda: [m for m in self.messages(mobile)[:1] if m["id"] > after], timeout)
        if not found:
            raise TimeoutError(f"no text came to {mobile} within {timeout:g} s")
        first: dict[str, Any] = found[0]
        return first

    def wait_for_callbacks(self, timeout: float = 10.0) -> dict[str, int]:
        """Waits until no callback is pending or being posted; answers the counts; raises TimeoutError."""

        def settled() -> dict[str, int] | None:
            counts: dict[str, int] = self.stats()["callbacks"]
            return None if counts["pending"] or counts["posting"] else counts

        found = self._wait(settled, timeout)
        if found is None:
            raise TimeoutError(f"callbacks are still under way after {timeout:g} s")
        counts: dict[str, int] = found
        return counts

    def _wait(self, look: Callable[[], Any], timeout: float) -> Any:
        news = threading.Event()
        self.state.listeners.append(news.set)
        deadline = time.monotonic() + timeout
        try:
            while True:
                news.clear()
                found = look()
                left = deadline - time.monotonic()
                if found or left <= 0:
                    return found
                news.wait(left)
        finally:
            self.state.listeners.remove(news.set)
