from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.core.cache import cache
from standardwebhooks import Webhook

from django_messagecentral.campaigns import service as campaigns
from django_messagecentral.webhooks import outbox, service
from django_messagecentral.webhooks.models import EventType, WebhookEndpoint

EVERYTHING = list(EventType.values)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Receiver:
    """A subscriber on this machine. ``status`` and ``answer_headers`` are what it answers from now on."""

    url: str = ""
    status: int = 204
    answer_headers: dict[str, str] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)
    hold: threading.Event | None = None

    def verified(self, secret: str, last: int | None = None) -> list[dict[str, Any]]:
        """The bodies, each checked by the specification's own library."""
        wanted = self.requests if last is None else self.requests[-last:]
        return [Webhook(secret).verify(request.body, request.headers) for request in wanted]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    state = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length).decode()
            if len(body.encode()) < length:  # who sent it died in the middle
                return
            if state.hold is not None:
                state.hold.wait(10)
            names = {name.lower(): value for name, value in self.headers.items()}
            state.requests.append(Received(self.path, names, body))
            self.send_response(state.status)
            for name, value in state.answer_headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Not into the tests' output."""

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/hook?site=7"
    yield state
    if state.hold is not None:
        state.hold.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """http and this machine are allowed; nobody is remembered; pullers are called by the tests."""
    settings.DEBUG = True
    settings.MESSAGECENTRAL = {
        **settings.MESSAGECENTRAL,
        "OUTGOING_ALLOWED_NETWORKS": ("127.0.0.0/8",),
        "OUTGOING_TIMEOUT": 3.0,
    }
    cache.clear()
    outbox.forget_subscribers()
    monkeypatch.setattr(campaigns, "call_pullers", lambda campaign_id: None)
    yield
    outbox.forget_subscribers()


Subscribe = Callable[..., tuple[WebhookEndpoint, str]]


@pytest.fixture
def subscribe(receiver: Receiver, db: None) -> Subscribe:
    """``subscribe("campaign.paused", ...)``: an endpoint and its secret; of everything by default."""
    return lambda *events, **fields: service.create_endpoint(
        fields.pop("url", receiver.url), list(events) or EVERYTHING, **fields
    )
