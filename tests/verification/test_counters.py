"""The cache's counters: exact when many ask at once, in threads and, with Redis, across processes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from django_messagecentral.phones import parse_phone
from django_messagecentral.verification.guards import Ask, Refused, counters
from django_messagecentral.verification.reasons import Reason

REDIS = "redis://127.0.0.1:6379/14"
ROOT = Path(__file__).resolve().parents[2]
IP = "203.0.113.7"


def ask(ip: str = IP, number: int = 0) -> Ask:
    phone = parse_phone(f"+91{9876500000 + 1000 * number}")
    return Ask(phone=phone, purpose="default", subject="t:x", channel="SMS", ip=ip)


WITH_REDIS = os.environ.get("MESSAGECENTRAL_TEST_BROKER") == "redis"
REDIS_TOO = [pytest.param("redis", marks=pytest.mark.broker)] if WITH_REDIS else []


@pytest.fixture(params=["locmem", *REDIS_TOO])
def cache(request: pytest.FixtureRequest, settings: Any, configure: Callable[..., None]) -> None:
    """The cache that counts: also Redis where the tests run with it (MESSAGECENTRAL_TEST_BROKER=redis)."""
    locmem = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS}
    counting = redis | {"KEY_PREFIX": uuid.uuid4().hex} if request.param == "redis" else locmem
    settings.CACHES = {"default": locmem, "counting": counting}
    configure(CACHE="counting")


def passes(asked: Ask, now: datetime) -> bool:
    """Whether a unit was taken."""
    try:
        counters.take(asked, now)
    except Refused:
        return False
    return True


@pytest.mark.usefixtures("cache")
def test_of_a_hundred_at_once_exactly_the_limit_passes() -> None:
    gate = threading.Barrier(100)
    now = timezone.now()

    def one(number: int) -> bool:
        gate.wait(30)
        return passes(ask(number=number), now)

    with ThreadPoolExecutor(100) as pool:
        passed = sum(pool.map(one, range(100)))
    assert passed == 30
    with pytest.raises(Refused, match=Reason.IP_LIMIT):
        counters.take(ask(number=101), now)  # what was refused took nothing, what passed is kept


_CHILD = """
import django, sys
django.setup()
from django.test.utils import override_settings
from tests.verification.test_counters import REDIS, ask, counters, Refused
from django.conf import settings
from django.utils import timezone
redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS}
with override_settings(CACHES={"default": redis | {"KEY_PREFIX": sys.argv[1]}}):
    passed = 0
    for number in range(40):
        try:
            passed += bool(counters.take(ask(number=int(sys.argv[2]) * 40 + number), timezone.now()))
        except Refused:
            pass
    print(passed)
"""


if WITH_REDIS:  # processes can share counters only in a server

    @pytest.mark.broker
    def test_processes_share_the_counters() -> None:
        prefix = uuid.uuid4().hex
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(ROOT)}
        children = [
            subprocess.Popen(
                [sys.executable, "-c", _CHILD, prefix, str(number)],
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=environment,
            )
            for number in range(3)
        ]
        answers = [child.communicate(timeout=60)[0] for child in children]
        assert sum(int(answer) for answer in answers) == 30


@given(st.lists(st.integers(min_value=1, max_value=1500), min_size=1, max_size=150))
def test_the_sliding_window_bounds_every_hour(gaps: list[int]) -> None:
    """Weighing the window before keeps any hour near the limit, whatever the rhythm; a fixed window
    would let twice as many pass around its edge."""
    from django.core.cache import caches

    caches["default"].clear()
    now, sent = datetime(2030, 1, 1, tzinfo=UTC), []
    for number, gap in enumerate(gaps):
        now += timedelta(seconds=gap)
        if passes(ask(number=number), now):
            sent.append(now.timestamp())
    for last in sent:
        assert sum(1 for time in sent if 0 <= last - time < 3600) <= 30 * 1.5


@pytest.mark.usefixtures("cache")
def test_the_time_a_refusal_names_is_late_enough() -> None:
    now = datetime.fromtimestamp(1_900_000_000 // 3600 * 3600 + 1800, UTC)
    for number in range(30):
        counters.take(ask(number=number), now)
    with pytest.raises(Refused) as refused:
        counters.take(ask(number=31), now)
    retry_at = refused.value.verdict.retry_at
    assert retry_at is not None
    with pytest.raises(Refused):
        counters.take(ask(number=32), retry_at - timedelta(seconds=200))
    assert counters.take(ask(number=33), retry_at + timedelta(seconds=1))


@pytest.mark.usefixtures("cache")
def test_keys_hold_no_address_and_no_number() -> None:
    taken = counters.take(ask(), timezone.now())
    assert set(taken) == {"ip", "block"}
    for key in taken.values():
        assert IP not in key
        assert "98765" not in key
