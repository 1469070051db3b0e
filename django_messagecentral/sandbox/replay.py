"""Plays recorded answers: each once, in their order, to the requests they were given to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .answers import Answer
from .params import Request
from .record import asked
from .scrub import MOBILE, TOKEN
from .state import State

MATCHED = ("type", "flowType", "otpLength", "messageType", "countryCode", "scope")
"""Parameters that must be the same as recorded; the others hold what was scrubbed."""


class ReplayError(ValueError):
    """The file is no recording; the text says where."""


class Replay:
    """Recorded answers over a State. A request that none is left for is the sandbox's own to answer."""

    def __init__(self, path: str | Path, state: State) -> None:
        self._state = state
        self._left: list[dict[str, Any]] = []
        try:
            lines = Path(path).read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as exc:
            raise ReplayError(f"{path} cannot be read: {exc}") from exc
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
                request, answer = entry["request"], entry["answer"]
                shapes = (request["method"], request["path"], answer["body"])
                good = all(isinstance(text, str) for text in shapes) and isinstance(answer["status"], int)
                good = good and isinstance(request["params"], dict) and isinstance(answer["headers"], dict)
            except (ValueError, KeyError, TypeError):
                good = False
            if not good:
                raise ReplayError(f"{path}, line {number} is not of a recording")
            self._left.append(entry)

    def handle(self, request: Request) -> Answer | None:
        """The recorded answer, or None."""
        if not self._left or request.path.startswith("/_sandbox"):
            return None
        params = asked(request)
        for number, entry in enumerate(self._left):
            if _fits(entry["request"], request, params):
                del self._left[number]
                self._state.count("replayed")
                return self._answer(entry["answer"], params)
        return None

    def _answer(self, recorded: dict[str, Any], params: dict[str, str]) -> Answer:
        body: str = recorded["body"]
        if TOKEN in body:
            customer = params.get("customerId", "C-RECORDED")
            now, lifetime = self._state.clock.now(), self._state.config.token_lifetime
            body = body.replace(TOKEN, self._state.tokens.issue(customer, now, lifetime))
        body = body.replace(MOBILE, params.get("mobileNumber", ""))
        headers = {name.lower(): str(value) for name, value in recorded["headers"].items()}
        content_type = headers.pop("content-type", "application/json")
        return Answer(recorded["status"], body.encode(), content_type, tuple(headers.items()))


def _fits(recorded: dict[str, Any], request: Request, params: dict[str, str]) -> bool:
    if recorded["method"] != request.method or recorded["path"] != request.path.rstrip("/"):
        return False
    return all(
        recorded["params"].get(name) == params.get(name) for name in MATCHED if name in recorded["params"]
    )
