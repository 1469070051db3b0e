"""The sandbox behind Django's own server: each process has one, made at its first request.

A WSGI or ASGI server does not let an application reset a connection, so resets and half answers come as
answers cut short here. Run the sandbox alone where that matters.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt

from .answers import Answer, problem
from .core import Sandbox
from .httpparse import MAX_BODY
from .params import Request
from .server import Engine, EngineThread, build

_lock = threading.Lock()
_sandbox: Sandbox | None = None
_engine: EngineThread | None = None


def get_sandbox() -> Sandbox:
    """This process's sandbox, with the poster of its callbacks running.

    Settings: ``MESSAGECENTRAL_SANDBOX`` with SEED, FILE, and SETTINGS (a dict as ``/_sandbox/config`` takes).
    """
    global _sandbox, _engine
    with _lock:
        if _sandbox is None:
            options: dict[str, Any] = getattr(settings, "MESSAGECENTRAL_SANDBOX", {})
            sandbox = build(options.get("SETTINGS", {}), seed=options.get("SEED"), file=options.get("FILE"))
            _engine = EngineThread(Engine(sandbox, None))
            _engine.start()
            _sandbox = sandbox
        return _sandbox


def stop_sandbox() -> None:
    """Stop posting callbacks and forget the sandbox; the next request makes another."""
    global _sandbox, _engine
    with _lock:
        if _engine is not None:
            _engine.stop()
        if _sandbox is not None and _sandbox.state.journal is not None:
            _sandbox.state.journal.close()
        _sandbox = _engine = None


def _on_setting_changed(*, setting: str, **kwargs: Any) -> None:
    if setting == "MESSAGECENTRAL_SANDBOX":
        stop_sandbox()


setting_changed.connect(_on_setting_changed)


@csrf_exempt
@login_not_required
def sandbox_view(request: HttpRequest, path: str) -> HttpResponseBase:
    """Any path of the sandbox. Posts from pages of other sites are refused by the sandbox itself."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > MAX_BODY:
        return _respond(problem(413, "the body is too long"))
    prefix = request.path[: len(request.path) - len(path)].rstrip("/")
    asked = Request(
        request.method or "GET",
        "/" + path,
        request.META.get("QUERY_STRING", ""),
        list(request.headers.items()),
        request.read() if length != "0" else b"",
        prefix,
    )
    sandbox = get_sandbox()
    answer = sandbox.handle(asked)
    if answer.poll is not None:
        answer = _wait(sandbox, answer)
    if answer.delay > 0:
        time.sleep(answer.delay)
    return _respond(answer)


def _wait(sandbox: Sandbox, answer: Answer) -> Answer:
    """Look again at each change until there is an answer or the time is over."""
    news = threading.Event()
    deadline = time.monotonic() + answer.poll_seconds
    sandbox.state.listeners.append(news.set)
    try:
        while (left := deadline - time.monotonic()) > 0:
            news.clear()
            found = answer.poll() if answer.poll is not None else None
            if found is not None:
                return found
            news.wait(left)
    finally:
        sandbox.state.listeners.remove(news.set)
    return answer


def _respond(answer: Answer) -> HttpResponseBase:
    response: HttpResponseBase
    if answer.fault:
        response = StreamingHttpResponse(
            _cut_short(answer), status=answer.status, content_type=answer.content_type
        )
    else:
        response = HttpResponse(answer.body, status=answer.status, content_type=answer.content_type)
    for name, value in answer.headers:
        response.headers[name] = value
    return response


def _cut_short(answer: Answer) -> Iterator[bytes]:
    """The first half of a body without its length: the server can only close the connection after it."""
    yield answer.body[: len(answer.body) // 2]
