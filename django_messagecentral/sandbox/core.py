"""The sandbox as one object: a request goes in, an answer comes out. Plain Python, no I/O."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from .answers import Answer, json_answer, problem
from .clock import Clock
from .config import Config
from .control import ControlApi
from .inbox import Inbox
from .params import Request
from .replay import Replay
from .state import State
from .vendor import VendorApi


class Sandbox:
    """The vendor in a box. ``state`` holds everything; the servers only carry requests and callbacks."""

    blocking = False

    def __init__(
        self, config: Config | None = None, *, seed: int | None = None, clock: Clock | None = None
    ) -> None:
        self.state = State(config or Config(), seed=seed, clock=clock)
        self.replay: Replay | None = None
        self.loopback_only = False
        self.vendor = VendorApi(self.state)
        self.control = ControlApi(self.state)
        self.inbox = Inbox(self.state, self.control)

    def handle(self, request: Request) -> Answer:
        """Answer one request; safe from many threads."""
        with self.state.lock:
            answer = self.replay.handle(request) if self.replay is not None else None
            if answer is None:
                answer = self.vendor.handle(request)
            if answer is None and self.loopback_only and _strange_host(request):
                answer = problem(403, "ask by a loopback address, or start the sandbox with --allow-remote")
            if answer is None:
                answer = self.control.handle(request)
            if answer is None:
                answer = self.inbox.handle(request)
            self.state.flush()
        if answer is None:
            answer = json_answer({"status": 404, "error": "Not Found", "path": request.path}, 404)
        return answer

    def messages(self, mobile: str | None = None) -> list[dict[str, Any]]:
        """What a phone (digits, country code first), or every phone, received; newest first."""
        return self.control.messages(mobile)


def _strange_host(request: Request) -> bool:
    """True if the Host header is no loopback: a page of another site whose name was bound to this machine."""
    try:
        name = urlsplit(f"//{request.header('host')}").hostname or "localhost"
        return f".{name}"[-10:] != ".localhost" and not ipaddress.ip_address(name).is_loopback
    except ValueError:
        return True
