"""One pace over everybody who sends."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F

from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.dispatch import dispatch
from django_messagecentral.messaging import pace
from django_messagecentral.messaging.models import Message, Pace
from django_messagecentral.messaging.states import Status
from django_messagecentral.sandbox import SandboxServer
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.service import start_verification
from tests.campaigns.conftest import CampaignMaker, make_campaign

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]
__all__ = ["make_campaign"]  # a fixture


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
    assert pace.reserve("k", 100, 0.1, window=100).count == 10
    pace.give_back("k", 4, 0.1)
    assert pace.reserve("k", 100, 0.1, window=100).count == 4


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


def debit_often(times: int) -> None:
    for _ in range(times):
        pace.debit_at_once()
    connection.close()


class TestCodes:
    """A visitor waits for a code: it takes its place in the account's pace, and waits for nobody."""

    @pytest.fixture(autouse=True)
    def slowly(self, settings: Any) -> None:
        settings.MESSAGECENTRAL = {
            **settings.MESSAGECENTRAL,
            "PACE_PER_SECOND": 20.0,
            "PACE_PER_HOUR": 1000,
            "OTP_SENDS_PER_IP_HOUR": 100,
            "OTP_TEMPLATE": "{code}",
        }

    @pytest.mark.parametrize("mode", ["vendor", "own"])
    def test_campaigns_make_room_for_the_codes_sent_meanwhile(
        self,
        settings: Any,
        monkeypatch: pytest.MonkeyPatch,
        mode: str,
        make_campaign: CampaignMaker,
        on_sandbox: SandboxServer,
    ) -> None:
        settings.MESSAGECENTRAL = {
            **settings.MESSAGECENTRAL, "OTP_MODE": mode, "PACE_PER_SECOND": 20.0, "DISPATCH_SLICE": 1.0
        }  # fmt: skip
        monkeypatch.setattr(service, "call_pullers", lambda campaign_id: None)  # this test is the puller
        campaign = service.launch(make_campaign(100))
        began = time.monotonic()
        for block in range(12):
            assert start_verification(f"+9197{block:05d}210", subject=f"s:{block}").sent
        dispatch(campaign.pk)
        seconds = time.monotonic() - began
        left = Message.objects.filter(status=Status.SUBMITTED).count()
        assert len(on_sandbox.messages()) == left + 12
        assert 0 < left <= 20 * (seconds + 1) + 1 - 12
        hour = pace.account_limits()[1]
        assert pace.reserve(hour.key, 10_000, hour.rate, window=hour.window).count <= 1000 - 12 - left + 1

    def test_each_of_many_at_once_is_counted(self) -> None:
        """Two hundred from eight threads at one a second, beside a campaign that reserves: none is lost."""
        pace.debit_at_once()
        before = Pace.objects.get(key=pace.account_key()).next_free
        visitors = [threading.Thread(target=debit_often, args=(25,)) for _ in range(8)]
        taken: list[int] = []
        campaign = threading.Thread(target=drain, args=(pace.account_key(), 20.0, 0.5, taken))
        for thread in [campaign, *visitors]:
            thread.start()
        for thread in [campaign, *visitors]:
            thread.join()
        after = Pace.objects.get(key=pace.account_key()).next_free
        assert (after - before).total_seconds() >= (200 + sum(taken)) / 20.0 - 0.001

    def test_it_is_one_statement_a_limit(self, django_assert_num_queries: Any) -> None:
        pace.debit_at_once()
        with django_assert_num_queries(2) as statements:
            pace.debit_at_once()
        assert all(query["sql"].startswith("UPDATE") for query in statements.captured_queries)

    def test_campaigns_are_held_up_for_a_bounded_time(self) -> None:
        for _ in range(10):
            pace.debit_at_once(2000)
        pace.debit_at_once()
        limit = pace.account_limits()[0]
        wait = pace.reserve(limit.key, 1, limit.rate).wait
        assert pace.DEBT <= wait <= pace.DEBT + 2 + 2000 / 20

    def test_a_code_that_the_vendor_finds_too_quick_slows_campaigns_down(
        self, on_sandbox: SandboxServer
    ) -> None:
        assert start_verification("+917999000429", subject="s:1").reason == Reason.VENDOR_BUSY
        refused = pace.reserve(pace.account_key(), 1, 20.0)
        assert refused.count == 0
        assert 1 < refused.wait <= 2  # the sandbox's Retry-After
        pace.block(pace.account_key(), 30)
        assert start_verification("+919876500001", subject="s:2").sent  # codes do not wait
