"""Records what the real service answers: a proxy on loopback that writes each answer, scrubbed, to a file.

One JSON object a line: ``{"request": {method, path, params}, "answer": {status, headers, body}}``.
"""

from __future__ import annotations

import http.client
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .answers import Answer, problem
from .config import ConfigError
from .params import BadBodyError, Request, read_json, read_params
from .scrub import Scrubber

VENDOR = "https://cpaas.messagecentral.com"
TIMEOUT = 30.0
_HOP = frozenset({"connection", "host", "content-length", "transfer-encoding", "accept-encoding", "expect"})
_KEPT = frozenset({"content-type", "retry-after", "location"})


class Recorder:
    """Carries requests to ``target`` and writes what came back to ``path``; answers pass unchanged."""

    blocking = True

    def __init__(self, path: str | Path, target: str = VENDOR) -> None:
        parts = urlsplit(target)
        loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
        if parts.hostname is None or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
            raise ConfigError(f"{target}: passwords and tokens go there, so use an https:// address")
        self._target = parts
        self._scrub = Scrubber()
        self._file = open(path, "a", encoding="utf-8", opener=_private)  # noqa: SIM115
        self.count = 0

    def handle(self, request: Request) -> Answer:
        """Forward one request; 502 with the reason if the service cannot be reached."""
        try:
            status, headers, body = self._forward(request)
        except (OSError, http.client.HTTPException) as exc:
            return problem(502, f"{self._target.hostname} gave no answer: {exc}")
        self._write(request, status, headers, body)
        kept = tuple((name, value) for name, value in headers if name.lower() in ("retry-after", "location"))
        content_type = next(
            (value for name, value in headers if name.lower() == "content-type"), "text/plain"
        )
        return Answer(status, body, content_type, kept)

    def _forward(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        kind = http.client.HTTPSConnection if self._target.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._target.hostname or "", self._target.port, timeout=TIMEOUT)
        try:
            headers = {name: value for name, value in request.headers if name.lower() not in _HOP}
            connection.request(
                request.method, self._target.path.rstrip("/") + request.target, request.body, headers
            )
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _write(self, request: Request, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        for name in ("authToken", "password", "Authorization"):
            self._scrub.learn(request.header(name))
        params = self._scrub.params(asked(request))
        text = self._scrub.body(body.decode("utf-8", "replace"))
        kept = {name: value for name, value in headers if name.lower() in _KEPT}
        line = {
            "request": {"method": request.method, "path": request.path.rstrip("/"), "params": params},
            "answer": {"status": status, "headers": kept, "body": text},
        }
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._file.flush()
        self.count += 1

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def asked(request: Request) -> dict[str, str]:
    """A request's parameters, from wherever they come."""
    try:
        params, _files = read_params(request)
    except BadBodyError:
        return {}
    if request.header("content-type").startswith("application/json"):
        try:
            body: Any = read_json(request)
        except BadBodyError:
            return params
        if isinstance(body, dict):
            params = {key: str(value) for key, value in body.items()} | params
    return params


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
