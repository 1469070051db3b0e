"""One backend a process, the one that the settings name."""

from __future__ import annotations

import multiprocessing
import threading
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_messagecentral import backends
from django_messagecentral.backends import BaseBackend, get_backend
from django_messagecentral.backends.console import ConsoleBackend
from django_messagecentral.backends.locmem import LocmemBackend
from django_messagecentral.backends.messagecentral import MessageCentralBackend

CONSOLE = "django_messagecentral.backends.console.ConsoleBackend"


class Counted(BaseBackend):
    made = 0
    closed = 0

    def __init__(self) -> None:
        type(self).made += 1

    def close(self) -> None:
        type(self).closed += 1


COUNTED = f"{__name__}.Counted"


def test_the_settings_choose_the_backend_and_a_test_may_override_them() -> None:
    assert isinstance(get_backend(), LocmemBackend)
    with override_settings(MESSAGECENTRAL={"BACKEND": CONSOLE}):
        assert isinstance(get_backend(), ConsoleBackend)
    with override_settings(MESSAGECENTRAL={}):
        assert isinstance(get_backend(), MessageCentralBackend)
    assert isinstance(get_backend(), LocmemBackend)
    assert isinstance(get_backend(CONSOLE), ConsoleBackend)


def test_one_instance_serves_the_process_until_the_settings_change() -> None:
    Counted.made = Counted.closed = 0
    first = get_backend(COUNTED)
    assert get_backend(COUNTED) is first
    with override_settings(MESSAGECENTRAL={"POOL_SIZE": 3}):
        assert Counted.closed == 1
        assert get_backend(COUNTED) is not first
    with override_settings(USE_TZ=True):
        second = get_backend(COUNTED)
        assert get_backend(COUNTED) is second


def test_threads_that_come_at_once_share_it() -> None:
    backends._instances.clear()
    found: list[BaseBackend] = []
    start = threading.Barrier(16)

    def look() -> None:
        start.wait()
        found.append(get_backend(COUNTED))

    threads = [threading.Thread(target=look) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1


def _look(parents: int, results: Any) -> None:
    results.put(id(get_backend(COUNTED)) != parents and get_backend(COUNTED) is get_backend(COUNTED))


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_gets_its_own() -> None:
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=_look, args=(id(get_backend(COUNTED)), results))
    child.start()
    assert results.get(timeout=20) is True
    child.join(20)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("no.such.module.Backend", "cannot be imported"),
        ("nodots", "cannot be imported"),
        ("django_messagecentral.backends.locmem.Nothing", "cannot be imported"),
        ("django_messagecentral.backends.locmem.outbox", "not a subclass of BaseBackend"),
        ("collections.OrderedDict", "not a subclass of BaseBackend"),
    ],
)
def test_a_path_that_leads_to_no_backend_is_explained(path: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        get_backend(path)
