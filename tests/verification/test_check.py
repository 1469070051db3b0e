"""Entering a code: right, wrong, late, twice; and what each answer of the vendor leads to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync

from django_messagecentral import exceptions as errors
from django_messagecentral.exceptions import Outcome
from django_messagecentral.signals import phone_verified, verification_failed
from django_messagecentral.verification import service
from django_messagecentral.verification.codes import normalise_code
from django_messagecentral.verification.flows import check
from django_messagecentral.verification.flows.sending import longest_call
from django_messagecentral.verification.models import Challenge, PhoneLedger, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.service import (
    acheck_verification,
    astart_verification,
    check_verification,
    resend_verification,
    start_verification,
    unlock_phone,
)
from django_messagecentral.verification.states import VerificationStatus
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor

pytestmark = pytest.mark.django_db


@pytest.fixture
def verification(vendor: FakeVendor) -> Verification:
    started = start_verification(PHONE, purpose="signup", subject="s:one").verification
    assert started is not None
    return started


def test_the_right_code_verifies_once_and_gives_the_one_proof(
    vendor: FakeVendor, verification: Verification
) -> None:
    heard: list[dict[str, Any]] = []

    def hear(**arguments: Any) -> None:
        heard.append(arguments)

    phone_verified.connect(hear)
    try:
        first = check_verification(verification, vendor.code_of(PHONE))
        second = check_verification(verification, vendor.code_of(PHONE))
    finally:
        phone_verified.disconnect(hear)
    assert (first.ok, first.reason) == (True, Reason.VERIFIED)
    assert first.proof
    assert (second.ok, second.reason, second.proof) == (False, Reason.ALREADY_VERIFIED, "")
    assert [arguments["phone"] for arguments in heard] == [PHONE]
    assert first.proof not in repr(first)


def test_five_wrong_codes_fail_it_and_the_right_one_is_too_late(
    vendor: FakeVendor, verification: Verification
) -> None:
    heard: list[str] = []

    def hear(reason: str, **_: Any) -> None:
        heard.append(reason)

    verification_failed.connect(hear)
    try:
        answers = [check_verification(verification, vendor.wrong_code(PHONE)) for _ in range(6)]
    finally:
        verification_failed.disconnect(hear)
    assert [answer.attempts_left for answer in answers[:5]] == [4, 3, 2, 1, 0]
    assert [answer.reason for answer in answers] == [Reason.WRONG_CODE] * 4 + [Reason.TOO_MANY_ATTEMPTS] * 2
    late = check_verification(verification, vendor.code_of(PHONE))
    assert (late.reason, late.retry_at) == (Reason.TOO_MANY_ATTEMPTS, verification.resend_at)
    verification.refresh_from_db()
    assert verification.status == VerificationStatus.FAILED
    assert len(vendor.validated) == 5
    assert heard == [Reason.TOO_MANY_ATTEMPTS]
    # The vendor's code still lives, so its owner waits for the next one, as everybody does.
    assert start_verification(PHONE, purpose="signup", subject="s:one").reason == Reason.CODE_LIVES


def test_what_cannot_be_a_code_spends_no_attempt(vendor: FakeVendor, verification: Verification) -> None:
    for typed in ("", "12", "abcdef", "123456789", "12345a", None):
        answer = check_verification(verification, typed)
        assert (answer.reason, answer.attempts_left) == (Reason.MALFORMED_CODE, 5)
    assert vendor.validated == []


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("123-456", "123456"),
        (" 123 456 ", "123456"),
        ("１２３４５６", "123456"),
        ("١٢٣٤٥٦", "123456"),
        ("123\u2011456", "123456"),
        ("\u200e123456", "123456"),
        ("123.456", "123456"),
        ("007123", "007123"),
        ("<b>1234</b>", ""),
        ("½1234", ""),
        ("1" * 1000, ""),
    ],
)
def test_codes_are_read_as_people_type_and_paste_them(typed: str, code: str) -> None:
    assert normalise_code(typed) == code


@pytest.mark.parametrize(
    ("error", "reason", "status", "attempts"),
    [
        (errors.WrongOtp(), Reason.WRONG_CODE, VerificationStatus.PENDING, 1),
        (errors.AlreadyVerified(), Reason.CODE_USED, VerificationStatus.EXPIRED, 1),
        (errors.VerificationExpired(), Reason.CODE_EXPIRED, VerificationStatus.EXPIRED, 1),
        (errors.InvalidVerificationId(), Reason.CODE_EXPIRED, VerificationStatus.EXPIRED, 1),
        (errors.VerificationFailed(), Reason.CHECK_FAILED, VerificationStatus.FAILED, 1),
        (errors.MaximumLimitReached(), Reason.CHECK_FAILED, VerificationStatus.FAILED, 1),
        (errors.AnswerLost(), Reason.ANSWER_LOST, VerificationStatus.PENDING, 1),
        (errors.ServerError(), Reason.ANSWER_LOST, VerificationStatus.PENDING, 1),
        (errors.UnreadableAnswer(), Reason.ANSWER_LOST, VerificationStatus.PENDING, 1),
        (errors.GatewayError(), Reason.ANSWER_LOST, VerificationStatus.PENDING, 1),
        (errors.ConnectionNotMade(), Reason.CHECK_UNAVAILABLE, VerificationStatus.PENDING, 0),
        (errors.RateLimited(), Reason.CHECK_UNAVAILABLE, VerificationStatus.PENDING, 0),
        (errors.AuthenticationFailed(), Reason.CHECK_UNAVAILABLE, VerificationStatus.PENDING, 0),
        (errors.BadRequest(outcome=Outcome.REFUSED), Reason.CHECK_UNAVAILABLE, VerificationStatus.PENDING, 0),
    ],
)
def test_each_answer_of_the_vendor_leads_to_one_state(
    vendor: FakeVendor,
    verification: Verification,
    error: Exception,
    reason: Reason,
    status: VerificationStatus,
    attempts: int,
) -> None:
    vendor.validate_error = error
    answer = check_verification(verification, "123456")
    verification.refresh_from_db()
    assert (answer.ok, answer.reason) == (False, reason)
    assert (verification.status, verification.attempts, verification.open_checks) == (status, attempts, 0)
    assert len(PhoneLedger.objects.get().wrong) == attempts
    if status == VerificationStatus.EXPIRED:
        assert answer.retry_at is not None
        assert check_verification(verification, "123456").reason == reason


def test_a_700_after_our_own_expiry_means_expired(
    vendor: FakeVendor, verification: Verification, clock: Clock
) -> None:
    vendor.validate_error = errors.VerificationFailed()
    vendor.before_answer = lambda code: clock.tick(seconds=61)
    assert not check_verification(verification, "123456").ok
    verification.refresh_from_db()
    assert verification.status == VerificationStatus.EXPIRED


def test_a_success_without_the_completed_status_is_a_failure(
    vendor: FakeVendor, verification: Verification
) -> None:
    vendor.status = "VERIFICATION_FAILED"
    assert check_verification(verification, vendor.code_of(PHONE)).reason == Reason.CHECK_FAILED


@pytest.mark.parametrize(
    ("answered", "ok"),
    [
        (None, True),
        ("xxxx", True),
        ("9876543210", True),
        ("919876543210", True),
        ("9876543211", False),
        ("449876543210", False),
    ],
)
def test_the_number_the_vendor_verified_must_be_the_one_asked_for(
    vendor: FakeVendor, verification: Verification, answered: str | None, ok: bool
) -> None:
    vendor.answers_number = answered
    assert check_verification(verification, vendor.code_of(PHONE)).ok is ok


def test_after_a_lost_answer_the_same_code_may_be_tried_again(
    vendor: FakeVendor, verification: Verification
) -> None:
    vendor.validate_error = errors.AnswerLost()
    answer = check_verification(verification, vendor.code_of(PHONE))
    assert (answer.reason, answer.retry_at) == (Reason.ANSWER_LOST, verification.resend_at)
    vendor.validate_error = None
    assert check_verification(verification, vendor.code_of(PHONE)).ok


def test_a_code_is_taken_until_it_expires_and_not_after(
    vendor: FakeVendor, verification: Verification, clock: Clock
) -> None:
    clock.tick(seconds=61)
    answer = check_verification(verification, vendor.code_of(PHONE))
    assert (answer.reason, answer.retry_at) == (Reason.CODE_EXPIRED, verification.resend_at)
    assert answer.retry_after is None  # its time has come
    assert "try again in" not in answer.message
    assert vendor.validated == []
    verification.refresh_from_db()
    assert verification.status == VerificationStatus.EXPIRED


def test_new_codes_and_new_sessions_do_not_reset_a_phones_wrong_codes(
    vendor: FakeVendor, clock: Clock
) -> None:
    guesses = 0
    for number in range(4):
        started = start_verification(PHONE, subject=f"s:{number}").verification
        if started is None:
            break
        while check_verification(started, vendor.wrong_code(PHONE)).reason in (
            Reason.WRONG_CODE,
            Reason.TOO_MANY_ATTEMPTS,
        ):
            guesses += 1
            started.refresh_from_db()
            if started.status != VerificationStatus.PENDING:
                break
        clock.tick(seconds=301)
    assert guesses == 10
    refused = start_verification(PHONE, subject="s:new")
    assert refused.reason == Reason.PHONE_LOCKED
    assert refused.retry_at is not None
    assert len(vendor.validated) == 10
    unlock_phone(PHONE)
    assert start_verification(PHONE, subject="s:new").sent


def test_a_lock_grows_each_time(vendor: FakeVendor, clock: Clock, configure: Callable[..., None]) -> None:
    configure(
        OTP_PHONE_WRONG_CODES_PER_HOUR=1,
        OTP_LOCK_DELAYS=(100, 1000),
        OTP_COOLDOWNS=(),
        OTP_SENDS_PER_PHONE_HOUR=100,
        OTP_SENDS_PER_PHONE_DAY=100,
    )
    waits = []
    for number in range(3):
        started = start_verification(PHONE, subject=f"s:{number}").verification
        assert started is not None
        check_verification(started, vendor.wrong_code(PHONE))
        locked = check_verification(started, vendor.code_of(PHONE))
        assert locked.reason == Reason.PHONE_LOCKED
        assert locked.retry_after is not None
        waits.append(round(locked.retry_after, -2))
        clock.tick(seconds=1100)
    assert waits == [100, 1000, 1000]


def test_checks_go_on_while_the_cache_is_down(
    vendor: FakeVendor, verification: Verification, configure: Callable[..., None], settings: Any
) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "broken": {"BACKEND": "tests.verification.test_guards.BrokenCache"},
    }
    configure(CACHE="broken")
    assert check_verification(verification, vendor.code_of(PHONE)).ok


def test_a_last_attempt_that_met_a_dead_code_earns_no_other(
    vendor: FakeVendor, verification: Verification, clock: Clock
) -> None:
    for _ in range(4):
        check_verification(verification, vendor.wrong_code(PHONE))
    vendor.validate_error = errors.VerificationExpired()
    check_verification(verification, vendor.code_of(PHONE))
    clock.tick(seconds=61)
    assert resend_verification(verification).reason == Reason.TOO_MANY_ATTEMPTS
    assert len(vendor.otps) == 1


def test_a_code_closed_by_a_resend_in_mid_check_leaves_nothing_living(
    vendor: FakeVendor, configure: Callable[..., None], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(OTP_MODE="own", OTP_TEMPLATE="{code}")
    started = start_verification(PHONE, subject="s:one").verification
    assert started is not None
    real = check.judge

    def resend_first(*arguments: Any) -> Any:
        clock.tick(seconds=31)
        assert resend_verification(started).sent
        return real(*arguments)

    monkeypatch.setattr(check, "judge", resend_first)
    assert check_verification(started, vendor.messages[0].text).ok
    assert not Challenge.objects.filter(living_key__isnull=False).exists()


def test_a_worker_that_died_in_mid_check_has_spent_the_attempt_and_holds_nothing_for_ever(
    vendor: FakeVendor, verification: Verification, clock: Clock
) -> None:
    class Killed(BaseException):
        pass

    def die(_code: str) -> None:
        raise Killed

    vendor.before_answer = die
    for _ in range(5):
        with pytest.raises(Killed):
            check_verification(verification, vendor.wrong_code(PHONE))
    vendor.before_answer = lambda code: None
    verification.refresh_from_db()
    assert (verification.status, verification.open_checks) == (VerificationStatus.PENDING, 5)
    assert not check_verification(verification, vendor.code_of(PHONE)).ok
    assert len(vendor.validated) == 5
    clock.tick(seconds=longest_call() + 1)
    assert check_verification(verification, vendor.code_of(PHONE)).reason == Reason.TOO_MANY_ATTEMPTS
    verification.refresh_from_db()
    assert verification.status == VerificationStatus.FAILED


def test_an_unknown_or_malformed_id_answers_as_unknown(verification: Verification) -> None:
    for strange in ("", "x", "00000000-0000-0000-0000-000000000000", str(verification.public_id)):
        assert check_verification(strange, "123456", subject="s:other").reason == Reason.UNKNOWN
        assert resend_verification(strange, subject="s:other").reason == Reason.UNKNOWN


def test_the_id_of_a_request_without_a_session_nonce_is_not_trusted(
    rf: Any, verification: Verification
) -> None:
    request = rf.post("/")
    request.session = {}
    assert check_verification(verification, "123456", request=request).reason == Reason.UNKNOWN


@pytest.mark.django_db(transaction=True)
def test_the_async_twins_do_the_same(vendor: FakeVendor) -> None:
    async def story() -> None:
        started = await astart_verification(PHONE, subject="s:one")
        assert started.verification is not None
        assert not (await acheck_verification(started.verification, vendor.wrong_code(PHONE))).ok
        assert (await acheck_verification(started.verification, vendor.code_of(PHONE))).ok

    async_to_sync(story)()


def test_the_service_has_short_names() -> None:
    assert service.start is service.start_verification
    assert service.acheck is service.acheck_verification
    short = {"start", "resend", "check", "cancel"}
    assert short | {f"a{name}" for name in short} <= set(service.__all__)


def test_a_message_names_the_time(verification: Verification) -> None:
    early = resend_verification(verification)
    assert "You can try again in" in early.message
    assert early.retry_after is not None
    assert 50 < early.retry_after <= 61
