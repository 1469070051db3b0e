from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.utils import timezone

from tests.verification.fakes import VENDOR, FakeVendor

PHONE = "+919876543210"


@pytest.fixture
def configure(settings: Any) -> Callable[..., None]:
    """Change some of MESSAGECENTRAL's settings for one test."""

    def change(**values: Any) -> None:
        settings.MESSAGECENTRAL = {**django_settings.MESSAGECENTRAL, **values}

    return change


@pytest.fixture(autouse=True)
def vendor(configure: Callable[..., None]) -> Iterator[FakeVendor]:
    VENDOR.reset()
    cache.clear()
    configure(BACKEND="tests.verification.fakes.Backend")
    yield VENDOR
    cache.clear()


class Clock:
    """Moves the time the app sees: ``timezone.now`` is the only clock it reads."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offset = timedelta()
        real = timezone.now
        monkeypatch.setattr("django.utils.timezone.now", lambda: real() + self.offset)

    def tick(self, **parts: float) -> None:
        self.offset += timedelta(**parts)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)
