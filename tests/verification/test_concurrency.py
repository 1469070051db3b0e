"""Fifty at once: on SQLite, PostgreSQL and MariaDB alike."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.db import connections

from django_messagecentral.verification.models import Challenge, PhoneLedger, SendBudget, Verification
from django_messagecentral.verification.proofs import consume_proof
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import CheckResult
from django_messagecentral.verification.service import (
    check_verification,
    resend_verification,
    start_verification,
)
from django_messagecentral.verification.states import ChallengeStatus, VerificationStatus
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor

T = TypeVar("T")

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]
FIFTY = 50


def at_once(calls: list[Callable[[], T]]) -> list[T]:
    """Run all in threads that set out together; each closes its own database connection."""
    gate = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        try:
            gate.wait(30)
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(120) for future in [pool.submit(run, call) for call in calls]]


@pytest.fixture
def verification(vendor: FakeVendor) -> Verification:
    started = start_verification(PHONE, subject="s:one").verification
    assert started is not None
    return started


def check(verification: Verification, code: str) -> Callable[[], CheckResult]:
    return lambda: check_verification(verification, code)


def test_fifty_starts_of_one_visitor_send_one_code(vendor: FakeVendor) -> None:
    vendor.before_send = lambda phone: threading.Event().wait(0.2)  # type: ignore[assignment,return-value]
    results = at_once([lambda: start_verification(PHONE, subject="t:one")] * FIFTY)
    assert len(vendor.otps) == 1
    assert sum(result.sent for result in results) == 1
    reasons = Counter(result.reason for result in results)
    # Those that come while the winner's row is not committed yet may meet the counters' limits.
    assert set(reasons) <= {Reason.SENT, Reason.ALREADY_SENT, Reason.BLOCK_LIMIT}
    assert reasons[Reason.SENT] == 1
    assert start_verification(PHONE, subject="t:one").reason == Reason.ALREADY_SENT
    assert len({result.verification.pk for result in results if result.verification}) == 1
    assert len(PhoneLedger.objects.get().sends) == 1
    assert set(SendBudget.objects.values_list("used", flat=True)) == {1}


def test_fifty_starts_of_fifty_visitors_send_one_code(vendor: FakeVendor) -> None:
    calls: list[Callable[[], Any]] = [
        lambda index=index: start_verification(PHONE, subject=f"t:{index}")  # type: ignore[misc]
        for index in range(FIFTY)
    ]
    results = at_once(calls)
    assert len(vendor.otps) == 1
    assert sum(result.ok for result in results) == 1
    assert {r.reason for r in results if not r.ok} <= {Reason.CODE_LIVES, Reason.BLOCK_LIMIT}
    assert Challenge.objects.filter(living_key=PHONE).count() == 1


def test_fifty_wrong_codes_spend_five_attempts(vendor: FakeVendor, verification: Verification) -> None:
    wrong = vendor.wrong_code(PHONE)
    results = at_once([check(verification, wrong)] * FIFTY)
    assert len(vendor.validated) == 5
    assert not any(result.ok for result in results)
    verification.refresh_from_db()
    assert (verification.status, verification.attempts) == (VerificationStatus.FAILED, 5)
    assert verification.open_checks == 0
    assert len(PhoneLedger.objects.get().wrong) == 5


def test_fifty_right_codes_verify_once(vendor: FakeVendor, verification: Verification) -> None:
    results = at_once([check(verification, vendor.code_of(PHONE))] * FIFTY)
    assert sum(result.ok for result in results) == 1
    assert sum(bool(result.proof) for result in results) == 1
    assert len(vendor.validated) <= 5
    verification.refresh_from_db()
    assert verification.status == VerificationStatus.VERIFIED
    losers = {result.reason for result in results if not result.ok}
    assert losers <= {Reason.ALREADY_VERIFIED, Reason.TOO_MANY_ATTEMPTS, Reason.CODE_USED}


def test_the_right_code_among_forty_nine_wrong_wins_though_they_spend_the_rest_first(
    vendor: FakeVendor, verification: Verification
) -> None:
    right, wrong = vendor.code_of(PHONE), vendor.wrong_code(PHONE)
    asked, others_done = threading.Event(), threading.Event()

    def hold_the_right_one(code: str) -> None:
        if code == right:
            asked.set()
            others_done.wait(60)

    vendor.before_answer = hold_the_right_one

    def slow_right() -> CheckResult:
        try:
            return check_verification(verification, right)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        winner = pool.submit(slow_right)
        assert asked.wait(30)
        losers = at_once([check(verification, wrong)] * (FIFTY - 1))
        verification.refresh_from_db()
        # Every attempt is spent, and yet it has not failed: one reservation is open.
        assert (verification.status, verification.attempts) == (VerificationStatus.PENDING, 5)
        others_done.set()
        result = winner.result(60)
    assert result.ok
    assert result.proof
    assert not any(loser.ok for loser in losers)
    assert len(vendor.validated) == 5
    verification.refresh_from_db()
    assert verification.status == VerificationStatus.VERIFIED
    assert len(PhoneLedger.objects.get().wrong) == 4


def test_own_codes_hold_the_same_promise(vendor: FakeVendor, configure: Callable[..., None]) -> None:
    configure(OTP_MODE="own", OTP_TEMPLATE="{code}")
    started = start_verification(PHONE, subject="s:one").verification
    assert started is not None
    right = vendor.messages[0].text
    wrong = "000000" if right != "000000" else "111111"
    results = at_once([check(started, right)] + [check(started, wrong)] * (FIFTY - 1))
    started.refresh_from_db()
    assert started.attempts <= 5
    assert sum(result.ok for result in results) == (started.status == VerificationStatus.VERIFIED)
    results = at_once([check(started, right)] * FIFTY)
    assert not any(result.ok for result in results)


@pytest.mark.parametrize("mode", ["vendor", "own"])
def test_fifty_resends_send_one_code(
    vendor: FakeVendor, configure: Callable[..., None], clock: Clock, mode: str
) -> None:
    configure(OTP_MODE=mode, OTP_TEMPLATE="{code}", OTP_SENDS_PER_BLOCK_HOUR=1000)
    started = start_verification(PHONE, subject="t:one").verification
    assert started is not None
    clock.tick(seconds=61)
    results = at_once([lambda: resend_verification(started)] * FIFTY)
    assert sum(result.sent for result in results) == 1
    assert len(vendor.otps) + len(vendor.messages) == 2
    assert Challenge.objects.filter(living_key=PHONE).count() == 1
    assert len(PhoneLedger.objects.get().sends) == 2


def test_one_proof_is_used_by_one_of_fifty(vendor: FakeVendor, verification: Verification) -> None:
    proof = check_verification(verification, vendor.code_of(PHONE)).proof
    results = at_once([lambda: consume_proof(proof, purpose="default", subject="s:one")] * FIFTY)
    assert sum(result.ok for result in results) == 1
    assert {result.reason for result in results if not result.ok} == {Reason.PROOF_USED}


def test_budgets_are_exact_under_fifty_starts_to_fifty_phones(
    vendor: FakeVendor, configure: Callable[..., None]
) -> None:
    configure(OTP_DAILY_BUDGET=7, OTP_COUNTRY_BUDGET_SHARE=1.0)
    calls: list[Callable[[], Any]] = [
        lambda phone=f"+91{9876500000 + 1000 * index}": start_verification(phone)  # type: ignore[misc]
        for index in range(FIFTY)
    ]
    results = at_once(calls)
    assert len(vendor.otps) == 7
    assert sum(result.sent for result in results) == 7
    assert dict(SendBudget.objects.values_list("scope", "used")) == {"IN": 7, "site": 7}
    assert Challenge.objects.filter(status=ChallengeStatus.LIVING).count() == 7
