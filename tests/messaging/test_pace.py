"""One pace over everybody who sends."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F

from django_messagecentral.messaging import pace
from django_messagecentral.messaging.models import Pace

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]


def drain(key: str, rate: float, seconds: float, taken: list[int]) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        grant = pace.reserve(key, 10, rate)
        taken.append(grant.count)
        if not grant.count:
            time.sleep(min(grant.wait, 0.05))
    connection.close()


def test_four_workers_together_keep_the_pace() -> None:
    taken: list[int] = []
    workers = [threading.Thread(target=drain, args=("account:x", 100.0, 2.0, taken)) for _ in range(4)]
    began = time.monotonic()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.monotonic() - began
    # Never more than the elapsed time allows plus the one second's worth that may leave at once.
    assert sum(taken) <= 100 * (seconds + 1) + 1
    assert sum(taken) >= 100 * 2


def test_a_slow_pace_grants_one_at_a_time_and_says_how_long_to_wait() -> None:
    assert pace.reserve("k", 10, 0.5).count == 1
    refused = pace.reserve("k", 10, 0.5)
    assert refused.count == 0
    assert 1.5 < refused.wait <= 2.0


def test_what_did_not_leave_is_given_back() -> None:
    assert pace.reserve("k", 100, 10.0).count == 10
    pace.give_back("k", 4, 10.0)
    assert pace.reserve("k", 100, 10.0).count == 4


def test_a_single_message_debits_without_waiting_and_campaigns_make_room() -> None:
    for _ in range(10):
        pace.debit("k", 10.0)
    assert pace.reserve("k", 5, 10.0).count == 0


def test_nothing_leaves_while_the_vendor_wants_us_to_wait() -> None:
    pace.block("k", 30)
    refused = pace.reserve("k", 1, 10.0)
    assert refused.count == 0
    assert 28 < refused.wait <= 30
    pace.block("k", 5)  # a shorter one does not shorten it
    assert pace.reserve("k", 1, 10.0).wait > 20


def test_after_the_vendor_asked_for_less_the_pace_is_halved_and_grows_back() -> None:
    pace.block("k", 0.1)
    time.sleep(0.15)
    assert pace.reserve("k", 100, 20.0).count == 10
    Pace.objects.update(slowed_at=F("slowed_at") - timedelta(seconds=pace.RECOVERY / 2))
    time.sleep(0.7)  # the second that was granted passes
    assert 10 <= pace.reserve("k", 100, 20.0).count <= 15
    Pace.objects.update(slowed_at=F("slowed_at") - timedelta(seconds=pace.RECOVERY))
    time.sleep(1.0)
    assert pace.reserve("k", 100, 20.0).count >= 19


def test_a_longer_window_holds_beside_the_second() -> None:
    limits = [pace.Limit("second", 100.0), pace.Limit("hour", 30 / 3600, 3600.0)]
    assert pace.reserve_all(limits, 20).count == 20
    assert pace.reserve_all(limits, 20).count == 10
    refused = pace.reserve_all(limits, 20)
    assert refused.count == 0
    assert 60 < refused.wait <= 120
    assert pace.reserve("second", 100, 100.0).count >= 69  # what the hour did not grant came back


def test_a_database_whose_clock_was_set_back_holds_nobody_for_long() -> None:
    pace.reserve("k", 1, 10.0)
    Pace.objects.update(next_free=F("next_free") + timedelta(hours=1))
    assert pace.reserve("k", 1, 10.0).wait <= pace.DEBT + 1


def test_what_does_not_wait_never_takes_more_than_a_minute_in_advance() -> None:
    for _ in range(5):
        pace.debit("k", 1.0, 50)
    assert pace.reserve("k", 1, 1.0).wait <= pace.DEBT + 51


def test_a_debit_says_for_how_long_the_vendor_wants_nothing() -> None:
    assert pace.debit("k", 10.0) == 0
    pace.block("k", 30)
    assert 28 < pace.debit("k", 10.0) <= 30
