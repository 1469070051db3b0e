"""A sandbox that survives a restart: everything that happens is appended to a file of JSON lines.

The file is read and written anew, compacted, at start. It holds codes and the key of the tokens, so only its
owner may read it. A line cut short by a crash is dropped.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import IO, Any

from .config import Config, ConfigError
from .draw import Dice
from .masking import masked_body, masked_headers, masked_target
from .model import Attempt, Call, Message, Report, Verification
from .state import State

try:
    import fcntl
except ImportError:  # Windows has no advisory locks; two sandboxes on one file are the user's to avoid there
    fcntl = None  # type: ignore[assignment]


class StorageError(Exception):
    """The file cannot be used; the text says why."""


def _values(thing: Any, *leave: str) -> list[Any]:
    return [getattr(thing, entry.name) for entry in fields(thing) if entry.name not in leave]


def _config(config: Config) -> dict[str, Any]:
    return config.as_json() | {"accounts": config.accounts}


def _call(call: Call) -> list[Any]:
    values = _values(call, "headers", "body", "target")
    return [masked_target(call.target), masked_headers(call.headers), masked_body(call.body), *values]


class FileJournal:
    """Writes what happens to a file; ``open`` first reads what is there into the State."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file: IO[str] | None = None
        self._lock: IO[str] | None = None
        self._lines: list[str] = []

    def open(self, state: State) -> None:
        """Read the file into the state and go on writing to it; raises StorageError."""
        try:
            self._take_lock()
            if self.path.exists():
                _Reader(state, self.path).read()
            fresh = self.path.with_name(self.path.name + ".new")
            with open(fresh, "w", encoding="utf-8", opener=_private) as file:
                file.writelines(_line(kind, value) for kind, value in _snapshot(state))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
            self._file = open(self.path, "a", encoding="utf-8", opener=_private)  # noqa: SIM115
        except OSError as exc:
            self.close()
            raise StorageError(f"{self.path} cannot be used: {exc.strerror or exc}") from exc
        except StorageError:
            self.close()
            raise
        state.journal = self

    def _take_lock(self) -> None:
        lock = self.path.with_name(self.path.name + ".lock")
        self._lock = open(lock, "w", encoding="utf-8", opener=_private)  # noqa: SIM115
        if fcntl is not None:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StorageError(f"{self.path} is in use by another sandbox") from None

    def write(self, kind: str, thing: Any) -> None:
        """Note a thing; it is on its way to the disk after ``flush``."""
        self._lines.append(_line(kind, _plain(kind, thing)))

    def flush(self) -> None:
        """Hand what was noted to the operating system."""
        if self._lines and self._file is not None:
            self._file.write("".join(self._lines))
            self._file.flush()
            self._lines.clear()

    def close(self) -> None:
        """Flush and let go of the file."""
        self.flush()
        for file in (self._file, self._lock):
            if file is not None:
                file.close()
        self._file = self._lock = None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _line(kind: str, value: Any) -> str:
    return json.dumps([kind, value], ensure_ascii=False, separators=(",", ":")) + "\n"


def _plain(kind: str, thing: Any) -> Any:
    if kind == "call":
        return _call(thing)
    if kind == "message":
        return _values(thing, "reports")
    if kind == "report":
        return [_values(attempt) for attempt in thing.attempts], *_values(thing, "attempts")
    if kind == "verification":
        return _values(thing)
    if kind == "config":
        return _config(thing)
    return thing


def _snapshot(state: State) -> Iterator[tuple[str, Any]]:
    yield "seed", state.dice.seed
    yield "config", _config(state.config)
    yield "clock", state.clock.offset
    yield "tokens", [state.tokens.secret.hex(), sorted(state.tokens.revoked)]
    for call in state.calls.values():
        yield "call", _plain("call", call)
    for verification in state.verifications.values():
        yield "verification", _plain("verification", verification)
    for message in state.messages.values():
        yield "message", _plain("message", message)
    for report in state.reports.values():
        yield "report", _plain("report", report)
    yield "counts", dict(state.counts)
    yield "asked", dict(state.asked)


class _Reader:
    """Plays a file's lines into a state."""

    def __init__(self, state: State, path: Path) -> None:
        self._state = state
        self._path = path

    def read(self) -> None:
        with open(self._path, encoding="utf-8") as file:
            lines = file.readlines()
        for number, line in enumerate(lines, start=1):
            if number == len(lines) and not line.endswith("\n"):
                break
            try:
                kind, value = json.loads(line)
                apply = getattr(self, f"_{kind}")
                apply(value)
            except (ValueError, TypeError, AttributeError, KeyError, ConfigError) as exc:
                raise StorageError(f"{self._path}, line {number} is not a sandbox's: {exc}") from exc
        self._finish()

    def _seed(self, seed: int | None) -> None:
        self._state.dice = Dice(seed)

    def _config(self, value: dict[str, Any]) -> None:
        self._state.config = Config().changed(**value)

    def _clock(self, offset: float) -> None:
        self._state.clock.offset = offset

    def _tokens(self, value: list[Any]) -> None:
        self._state.tokens.restore(bytes.fromhex(value[0]), set(value[1]))

    def _reset(self, seed: int | None) -> None:
        self._state.start(seed)

    def _clear(self, mobile: str) -> None:
        self._state.forget(mobile)

    def _call(self, value: list[Any]) -> None:
        target, headers, body, number, kind, at, method, *rest = value
        pairs = [(name, content) for name, content in headers]
        self._state.calls[number] = Call(number, kind, at, method, target, pairs, body.encode(), *rest)
        self._state.last_call = max(self._state.last_call, number)

    def _verification(self, value: list[Any]) -> None:
        verification = Verification(*value)
        self._state.verifications[verification.id] = verification
        if verification.verified:
            self._state.living.pop(verification.mobile, None)
        else:
            self._state.living[verification.mobile] = verification

    def _message(self, value: list[Any]) -> None:
        self._state.remember(Message(*value))

    def _status(self, value: list[Any]) -> None:
        if value[0] in self._state.messages:  # else its phone was cleared before
            self._state.messages[value[0]].status = value[1]

    def _report(self, value: list[Any]) -> None:
        attempts, *rest = value
        report = Report(*rest)
        report.attempts = [Attempt(*attempt) for attempt in attempts]
        message = self._state.messages.get(report.message_id)
        if message is not None:
            known = next((n for n, other in enumerate(message.reports) if other.id == report.id), None)
            if known is None:
                message.reports.append(report)
            else:
                message.reports[known] = report
        self._state.reports[report.id] = report
        self._state.last_report = max(self._state.last_report, report.id)

    def _counts(self, value: dict[str, int]) -> None:
        self._state.counts.update(value)

    def _asked(self, value: dict[str, int]) -> None:
        self._state.asked.update(value)

    def _finish(self) -> None:
        state = self._state
        with contextlib.suppress(ValueError):
            newest = max(int(number) for number in state.verifications)
            state.last_verification = max(state.last_verification, newest)
        for report in state.reports.values():
            if report.state in ("pending", "posting"):
                state.requeue(report)
