"""Tokens in Django's cache: one fetch for all processes, and no harm when the cache is away."""

from __future__ import annotations

import fcntl
import logging
import multiprocessing
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.test import override_settings

from django_messagecentral.backends.tokens import PREFIX, CacheTokenStore, cache_key
from django_messagecentral.client import Token
from django_messagecentral.client.tokens import TokenSource
from django_messagecentral.exceptions import AuthenticationFailed


class Broken(LocMemCache):
    """A cache server that is away."""

    def _fail(self, *args: Any, **kwargs: Any) -> Any:
        raise ConnectionError("redis://user:secret@cache:6379 refused")

    get = set = add = delete = _fail


LOCMEM = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
DUMMY = {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[None]:
    """File-based, so that processes share it."""
    files = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
    broken = {"BACKEND": f"{__name__}.Broken"}
    with override_settings(CACHES={"default": LOCMEM, "files": files, "dummy": DUMMY, "broken": broken}):
        yield


def fetcher(fetched: list[str], seconds: float = 0.0) -> Any:
    def fetch() -> Token:
        fetched.append(f"token-{len(fetched) + 1}")
        time.sleep(seconds)
        return Token(fetched[-1], time.time() + 3600)

    return fetch


@pytest.mark.usefixtures("cache")
def test_another_process_finds_the_token_and_the_renewed_one() -> None:
    fetched: list[str] = []
    here = TokenSource(CacheTokenStore("files"), "key", fetcher(fetched))
    there = TokenSource(CacheTokenStore("files"), "key", fetcher(fetched))
    old = here.current()
    assert there.current() == old
    new = there.renew(refused=old)
    assert here.renew(refused=old) == new, "who is refused later takes what the other has fetched"
    assert here.current() == new
    assert fetched == ["token-1", "token-2"]


@pytest.mark.usefixtures("cache")
def test_a_renewed_token_is_preferred_to_this_process_own_copy() -> None:
    here, there = CacheTokenStore("files"), CacheTokenStore("files")
    here.set("key", Token("old", time.time() + 3600))
    there.set("key", Token("new", time.time() + 3600))
    found = here.get("key")
    assert found is not None
    assert found.value == "new"


class OneByOneCache(FileBasedCache):
    """Django's ``add`` of files is a look and then a write. Redis and Memcached do both at once, as here."""

    def add(self, *args: Any, **kwargs: Any) -> bool:
        with open(f"{self._dir}.lock", "w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            return bool(super().add(*args, **kwargs))


def _use(results: Any, start: Any, tmp: str) -> None:
    fetched: list[str] = []
    files = {"BACKEND": f"{__name__}.OneByOneCache", "LOCATION": tmp}
    with override_settings(CACHES={"default": files}):
        source = TokenSource(CacheTokenStore(), "key", fetcher(fetched, seconds=0.3))
        start.wait(20)
        source.current()
    results.put(len(fetched))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_one_of_many_processes_fetches(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    results, start = context.Queue(), context.Barrier(4)
    children = [context.Process(target=_use, args=(results, start, str(tmp_path))) for _ in range(4)]
    for child in children:
        child.start()
    fetches = [results.get(timeout=30) for _ in children]
    for child in children:
        child.join(20)
    assert sum(fetches) == 1


@pytest.mark.usefixtures("cache")
def test_who_waits_too_long_for_another_process_fetches_for_itself() -> None:
    store = CacheTokenStore("files")
    caches["files"].add(cache_key("key") + ":lock", "a process that died", 30)
    started = time.monotonic()
    with store.lock("key", 0.2) as held:
        assert not held
    assert 0.2 <= time.monotonic() - started < 2
    assert caches["files"].get(cache_key("key") + ":lock") == "a process that died", (
        "its lock is not ours to free"
    )


@pytest.mark.usefixtures("cache")
def test_the_waits_for_threads_and_for_processes_are_one_wait() -> None:
    store, inside, leave = CacheTokenStore("files"), threading.Event(), threading.Event()

    def hold() -> None:
        with store.lock("key", 1):
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    started = time.monotonic()
    with store.lock("key", 0.2) as held:
        assert not held
    assert time.monotonic() - started < 2
    leave.set()
    thread.join()
    with store.lock("key", 0.2) as held:
        assert held


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("alias", ["broken", "nothing-of-that-name"])
def test_without_a_cache_each_process_has_a_token_and_says_so_once(
    alias: str, caplog: pytest.LogCaptureFixture
) -> None:
    fetched: list[str] = []
    source = TokenSource(CacheTokenStore(alias), "key", fetcher(fetched))
    assert [source.current().value for _ in range(5)] == ["token-1"] * 5
    assert source.renew(refused=source.current()).value == "token-2"
    [record] = [record for record in caplog.records if record.name == "django_messagecentral.tokens"]
    assert record.levelno == logging.WARNING
    assert alias in record.getMessage()
    assert "secret" not in caplog.text


@pytest.mark.usefixtures("cache")
def test_a_cache_that_keeps_nothing_leaves_the_process_its_copy() -> None:
    fetched: list[str] = []
    source = TokenSource(CacheTokenStore("dummy"), "key", fetcher(fetched))
    assert [source.current().value for _ in range(3)] == ["token-1"] * 3


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("entry", ["text", ("one",), (1, 2), ("value", "soon"), {"value": 1}, 7])
def test_a_strange_entry_in_the_cache_is_no_token(entry: object) -> None:
    caches["files"].set(cache_key("key"), entry)
    assert CacheTokenStore("files").get("key") is None


@pytest.mark.usefixtures("cache")
def test_the_caches_keys_tell_nothing_about_the_credentials() -> None:
    key = cache_key("fingerprint")
    assert "fingerprint" not in key
    assert key.startswith(PREFIX)
    with override_settings(SECRET_KEY="another key that is long enough"):
        assert cache_key("fingerprint") != key


@pytest.mark.usefixtures("cache")
def test_a_failed_fetch_frees_the_lock() -> None:
    def fetch() -> Token:
        raise AuthenticationFailed

    source = TokenSource(CacheTokenStore("files"), "key", fetch)
    with pytest.raises(AuthenticationFailed):
        source.current()
    assert caches["files"].get(cache_key("key") + ":lock") is None
