"""The token that every call carries: fetched by one caller at a time, kept until shortly before its end."""

from __future__ import annotations

import base64
import binascii
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

DEFAULT_LIFE: Final = 3600.0  # seconds, of a token that does not say when it expires
RENEW_BEFORE: Final = 300.0  # seconds before the end, or a tenth of a short life
SHORTEST_LIFE: Final = (
    10.0  # seconds; a token that seems to have expired already (clocks differ) is tried so long
)
TRUST: Final = 5.0  # seconds for which a token is used without asking the store again
MAX_WAIT: Final = 2.0  # seconds that a caller waits for another's fetch before it fetches for itself


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """``value`` is secret. ``renew_at``: seconds since 1970 UTC, when a new one is to be fetched."""

    value: str
    renew_at: float

    def __repr__(self) -> str:
        return f"<Token until {self.renew_at:.0f}>"

    @classmethod
    def from_jwt(cls, value: str, now: float) -> Token:
        """``exp`` is read without checking the signature: it only says when to ask for another."""
        expires = jwt_expiry(value)
        if expires is None:
            expires = now + DEFAULT_LIFE
        margin = min(RENEW_BEFORE, max(0.0, expires - now) / 10)
        return cls(value, max(expires - margin, now + SHORTEST_LIFE))


def jwt_expiry(token: str) -> float | None:
    """``exp`` of a JWT in seconds since 1970 UTC; None if ``token`` is none, or names no moment."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.urlsafe_b64decode(padded))
        expires = float(claims["exp"])
    except (binascii.Error, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return expires if math.isfinite(expires) and 0 < expires < 1e11 else None


class TokenStore(Protocol):
    """Where tokens live between calls. ``key`` is a hash of the base URL and the credentials."""

    def get(self, key: str) -> Token | None: ...

    def set(self, key: str, token: Token) -> None: ...

    def lock(self, key: str, timeout: float) -> AbstractContextManager[bool]:
        """Hold the right to fetch. Yields False when another has held it for ``timeout`` seconds."""
        ...


class MemoryTokenStore:
    """Tokens of this process, shared by its threads."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}
        self._locks: dict[str, threading.Lock] = {}

    def get(self, key: str) -> Token | None:
        return self._tokens.get(key)

    def set(self, key: str, token: Token) -> None:
        self._tokens[key] = token

    @contextmanager
    def lock(self, key: str, timeout: float) -> Iterator[bool]:
        lock = self._locks.setdefault(key, threading.Lock())
        held = lock.acquire(timeout=max(timeout, 0.0))
        try:
            yield held
        finally:
            if held:
                lock.release()


class TokenSource:
    """Answers the token to use; ``fetch`` makes the token call and raises a MessageCentralError."""

    def __init__(self, store: TokenStore, key: str, fetch: Callable[[], Token]) -> None:
        self._store = store
        self._key = key
        self._fetch = fetch
        self._seen: tuple[Token, float] | None = None  # the store's last answer, and when (monotonic)

    def current(self) -> Token:
        """The stored token, or a new one if there is none or its time is over.

        The store may be across a network, so it is asked once in :data:`TRUST` seconds.
        """
        if self._seen is not None:
            token, at = self._seen
            if time.monotonic() - at < TRUST and token.renew_at > time.time():
                return token
        return self._get(refused=None)

    def renew(self, refused: Token) -> Token:
        """Another token than ``refused``: the one that somebody else has fetched since, or a new one."""
        return self._get(refused.value)

    def _get(self, refused: str | None) -> Token:
        token = self._usable(refused)
        if token is None:
            with self._store.lock(self._key, MAX_WAIT):
                token = self._usable(refused)  # perhaps fetched while we waited
                if token is None:
                    token = self._fetch()
                    self._store.set(self._key, token)
        self._seen = token, time.monotonic()
        return token

    def _usable(self, refused: str | None) -> Token | None:
        token = self._store.get(self._key)
        if token is None or token.value == refused or token.renew_at <= time.time():
            return None
        return token
