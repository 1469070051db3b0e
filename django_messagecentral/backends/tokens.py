"""The client's tokens in Django's cache: one for all processes, fetched by one of them at a time."""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from django.utils.crypto import salted_hmac

from django_messagecentral.client.tokens import MemoryTokenStore, Token

logger = logging.getLogger("django_messagecentral.tokens")

PREFIX: Final = "messagecentral:token:"
_POLL: Final = 0.05  # seconds between looks at a lock that another process holds
_LOCK_LIFE: Final = 30  # seconds after which the lock of a process that died is gone
_LONGEST_LIFE: Final = 7 * 24 * 3600  # seconds in the cache; then it is fetched again, however long it lives
_WARN_EVERY: Final = 3600.0  # seconds between two warnings about one broken cache

Answer = TypeVar("Answer")


class CacheTokenStore:
    """A :class:`~django_messagecentral.client.tokens.TokenStore` over the cache ``alias``.

    A copy stays in this process: with the cache down, each process fetches a token of its own, and says so
    once. The cache's keys are HMACs with SECRET_KEY, so that nothing about a password can be guessed from
    them; they depend on the credentials, so changed ones never find an old token.
    """

    def __init__(self, alias: str = "default") -> None:
        self._alias = alias
        self._memory = MemoryTokenStore()
        self._warned_at: float | None = None

    def get(self, key: str) -> Token | None:
        """The cache's token rather than this process's copy: another process may have renewed it."""
        stored = self._try(lambda cache: cache.get(cache_key(key)), None)
        return _read(stored) or self._memory.get(key)

    def set(self, key: str, token: Token) -> None:
        self._memory.set(key, token)
        life = min(max(token.renew_at - time.time(), 1.0), _LONGEST_LIFE)
        self._try(lambda cache: cache.set(cache_key(key), (token.value, token.renew_at), life), None)

    @contextlib.contextmanager
    def lock(self, key: str, timeout: float) -> Iterator[bool]:
        """First among this process's threads, then among processes; both waits together last ``timeout``."""
        deadline = time.monotonic() + timeout
        with self._memory.lock(key, timeout) as held:
            if not held:
                yield False
                return
            name, owner = f"{cache_key(key)}:lock", secrets.token_hex(8)
            held = self._acquire(name, owner, deadline)
            try:
                yield held
            finally:
                if held:
                    self._try(lambda cache: _release(cache, name, owner), None)

    def _acquire(self, name: str, owner: str, deadline: float) -> bool:
        while not self._try(lambda cache: cache.add(name, owner, _LOCK_LIFE), True):
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL)
        return True

    def _try(self, act: Callable[[BaseCache], Answer], otherwise: Answer) -> Answer:
        """A cache that is down must not stop the site's messages: go on without it."""
        try:
            return act(caches[self._alias])
        except Exception as error:  # noqa: BLE001 - each cache backend raises errors of its own library
            self._warn(error)
            return otherwise

    def _warn(self, error: Exception) -> None:
        now = time.monotonic()
        if self._warned_at is None or now - self._warned_at > _WARN_EVERY:
            self._warned_at = now
            logger.warning(
                "the cache %r cannot be used (%s): each process fetches a token of its own",
                self._alias,
                type(error).__name__,
            )


def cache_key(key: str) -> str:
    return PREFIX + salted_hmac("django_messagecentral.tokens", key, algorithm="sha256").hexdigest()


def _read(stored: Any) -> Token | None:
    """What the cache holds, if it is a token; an entry of another version or program is none."""
    if isinstance(stored, (tuple, list)) and len(stored) == 2:
        value, renew_at = stored
        if isinstance(value, str) and isinstance(renew_at, (int, float)):
            return Token(value, float(renew_at))
    return None


def _release(cache: BaseCache, name: str, owner: str) -> None:
    if cache.get(name) == owner:
        cache.delete(name)
