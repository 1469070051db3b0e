"""Asking for a code: what is sent, who may go on with it, and what each refusal of the vendor leads to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from django_messagecentral import exceptions as errors
from django_messagecentral.exceptions import Outcome
from django_messagecentral.verification.flows.sending import longest_call
from django_messagecentral.verification.models import Challenge, PhoneLedger, SendBudget, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.service import (
    cancel_verification,
    check_verification,
    resend_verification,
    start_verification,
)
from django_messagecentral.verification.states import TRANSITIONS, ChallengeStatus, VerificationStatus
from django_messagecentral.verification.transactions import InsideTransaction
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor

pytestmark = pytest.mark.django_db


def test_a_first_start_sends_one_code_of_six_digits(vendor: FakeVendor) -> None:
    result = start_verification("98765 43210", purpose="signup", subject="s:one")
    assert (result.ok, result.sent, result.reason) == (True, True, Reason.SENT)
    assert result.verification is not None
    assert result.verification.phone == PHONE
    assert [phone for phone, _channel, _id in vendor.otps] == [PHONE]
    assert len(vendor.code_of(PHONE)) == 6
    challenge = result.verification.challenge
    assert challenge is not None
    assert challenge.living_key == PHONE
    assert challenge.expires_at == result.expires_at
    assert abs((challenge.expires_at - timezone.now()).total_seconds() - 60) < 5  # the vendor's timeout


def test_without_user_session_or_subject_a_token_is_the_only_key(vendor: FakeVendor) -> None:
    result = start_verification(PHONE)
    assert len(result.token) > 30
    assert result.verification is not None
    public_id = result.verification.public_id
    right = vendor.code_of(PHONE)
    assert check_verification(public_id, right).reason == Reason.UNKNOWN
    assert check_verification(public_id, right, token="guess").reason == Reason.UNKNOWN
    assert check_verification(public_id, right, subject="s:other").reason == Reason.UNKNOWN
    assert vendor.validated == []  # nobody else's call spends an attempt
    assert check_verification(str(public_id), right, token=result.token).ok


def test_the_same_subject_and_purpose_go_on_with_the_living_code(vendor: FakeVendor) -> None:
    first = start_verification(PHONE, purpose="login", subject="s:one")
    again = start_verification(PHONE, purpose="login", subject="s:one")
    assert (again.ok, again.sent, again.reason) == (True, False, Reason.ALREADY_SENT)
    assert again.verification == first.verification
    assert len(vendor.otps) == 1


def test_anyone_else_waits_until_the_same_moment(vendor: FakeVendor) -> None:
    first = start_verification(PHONE, purpose="login", subject="s:one")
    other_subject = start_verification(PHONE, purpose="login", subject="s:two")
    other_purpose = start_verification(PHONE, purpose="payment", subject="s:one")
    assert {other_subject.reason, other_purpose.reason} == {Reason.CODE_LIVES}
    assert other_subject.retry_at == other_purpose.retry_at == first.resend_at
    assert other_subject.verification is None
    assert len(vendor.otps) == 1


def test_a_code_lives_ten_minutes_at_most_but_the_vendors_time_is_waited_for(
    vendor: FakeVendor, clock: Clock
) -> None:
    vendor.timeout = 3600.0
    result = start_verification(PHONE, subject="s:one")
    now = timezone.now()
    assert result.expires_at is not None
    assert result.resend_at is not None
    assert result.expires_at - now < timedelta(seconds=601)
    assert result.resend_at - now > timedelta(seconds=3590)
    clock.tick(minutes=11)
    assert result.verification is not None
    check = check_verification(result.verification, vendor.code_of(PHONE))
    assert check.reason == Reason.CODE_EXPIRED


def test_own_codes_are_kept_as_a_keyed_hash_only_and_wiped_after_use(
    vendor: FakeVendor, configure: Callable[..., None]
) -> None:
    configure(
        OTP_MODE="own", OTP_TEMPLATE="Code {code}", OTP_TEMPLATE_ID="T1",
        ENTITY_ID="E1",
    )  # fmt: skip
    result = start_verification(PHONE, subject="s:one")
    (message,) = vendor.messages
    assert (message.message_type, message.template_id, message.entity_id) == ("OTP", "T1", "E1")
    code = message.text.removeprefix("Code ")
    challenge = Challenge.objects.get()
    everything = " ".join(str(value) for value in Challenge.objects.values().get().values())
    assert code.isdigit()
    assert len(code) == 6
    assert len(challenge.code_hash) == 64
    assert f" {code} " not in f" {everything} "
    assert result.verification is not None
    assert check_verification(result.verification, code).ok
    challenge.refresh_from_db()
    assert challenge.code_hash == ""


def test_a_resend_of_an_own_code_closes_the_older_one(
    vendor: FakeVendor, configure: Callable[..., None], clock: Clock
) -> None:
    configure(OTP_MODE="own", OTP_TEMPLATE="{code}")
    result = start_verification(PHONE, subject="s:one")
    assert result.verification is not None
    early = resend_verification(result.verification)
    assert early.reason == Reason.COOLDOWN
    assert early.retry_at == result.resend_at
    clock.tick(seconds=31)
    assert resend_verification(result.verification, channel="WHATSAPP").sent
    old, new = (message.text for message in vendor.messages)
    assert vendor.messages[1].channel == "WHATSAPP"
    if old != new:
        assert check_verification(result.verification, old).reason == Reason.WRONG_CODE
    assert check_verification(result.verification, new).ok


def test_a_resend_waits_for_the_vendors_expiry_then_keeps_the_count_of_wrong_codes(
    vendor: FakeVendor, clock: Clock
) -> None:
    result = start_verification(PHONE, subject="s:one")
    assert result.verification is not None
    check_verification(result.verification, vendor.wrong_code(PHONE))
    early = resend_verification(result.verification)
    assert (early.reason, early.retry_at) == (Reason.CODE_LIVES, result.resend_at)
    clock.tick(seconds=61)
    assert resend_verification(result.verification).sent
    check = check_verification(result.verification, vendor.wrong_code(PHONE))
    assert (check.reason, check.attempts_left) == (Reason.WRONG_CODE, 3)
    assert check_verification(result.verification, vendor.code_of(PHONE)).ok


def test_a_verification_asks_for_new_codes_only_so_long(
    vendor: FakeVendor, configure: Callable[..., None], clock: Clock
) -> None:
    result = start_verification(PHONE, subject="s:one")
    assert result.verification is not None
    clock.tick(hours=2)
    assert not resend_verification(result.verification).ok
    assert len(vendor.otps) == 1


def test_cancelling_closes_it_and_the_same_subject_may_start_again(vendor: FakeVendor) -> None:
    first = start_verification(PHONE, subject="s:one")
    assert first.verification is not None
    assert cancel_verification(first.verification.public_id, subject="s:two").reason == Reason.UNKNOWN
    assert cancel_verification(first.verification).ok
    assert cancel_verification(first.verification).ok  # twice is no error
    assert check_verification(first.verification, vendor.code_of(PHONE)).reason == Reason.CANCELLED
    again = start_verification(PHONE, subject="s:one")
    assert again.reason == Reason.ALREADY_SENT  # the vendor's code still lives at the phone
    assert again.verification is not None
    assert again.verification.pk != first.verification.pk
    assert check_verification(again.verification, vendor.code_of(PHONE)).ok


@pytest.mark.parametrize(
    ("error", "reason", "outcome_is_known"),
    [
        (errors.BadRequest(), Reason.NUMBER_REFUSED, True),
        (errors.InvalidCountryCode(), Reason.COUNTRY_NOT_ALLOWED, True),
        (errors.InvalidCustomerId(), Reason.VENDOR_UNAVAILABLE, True),
        (errors.AuthenticationFailed(), Reason.VENDOR_UNAVAILABLE, True),
        (errors.ConnectionNotMade(), Reason.VENDOR_UNAVAILABLE, True),
        (errors.MaximumLimitReached(), Reason.VENDOR_BUSY, True),
        (errors.RateLimited(retry_after=7), Reason.VENDOR_BUSY, True),
        (errors.RequestAlreadyExists(outcome=Outcome.REFUSED), Reason.CODE_LIVES, True),
        (errors.AnswerLost(), Reason.SEND_UNCONFIRMED, False),
        (errors.ServerError(), Reason.SEND_UNCONFIRMED, False),
        (errors.UnreadableAnswer(), Reason.SEND_UNCONFIRMED, False),
        (errors.GatewayError(), Reason.SEND_UNCONFIRMED, False),
        (errors.DuplicateResource(), Reason.SEND_UNCONFIRMED, False),
        (errors.UnknownResponseCode(code=999), Reason.SEND_UNCONFIRMED, False),
    ],
)
def test_what_is_reserved_is_given_back_unless_the_code_may_have_left(
    vendor: FakeVendor, error: Exception, reason: Reason, outcome_is_known: bool
) -> None:
    vendor.send_error = error
    result = start_verification(PHONE, subject="s:one")
    assert (result.ok, result.reason) == (False, reason)
    ledger = PhoneLedger.objects.get()
    used = set(SendBudget.objects.values_list("used", flat=True))
    assert (len(ledger.sends), used) == ((0, {0}) if outcome_is_known else (1, {1}))
    vendor.send_error = None
    retry = start_verification(PHONE, subject="s:one")
    if reason in (Reason.CODE_LIVES, Reason.SEND_UNCONFIRMED):
        assert (retry.reason, retry.retry_at) == (Reason.CODE_LIVES, result.retry_at)
    else:
        assert retry.sent


def test_a_506_of_a_code_this_site_issued_to_the_same_subject_goes_on(
    vendor: FakeVendor, clock: Clock
) -> None:
    first = start_verification(PHONE, purpose="login", subject="s:one")
    assert first.verification is not None
    code, vendor_id = vendor.code_of(PHONE), vendor.otps[-1][2]
    clock.tick(seconds=61)  # over by our clock, not by the vendor's
    vendor.send_error = errors.RequestAlreadyExists(outcome=Outcome.REFUSED, verification_id=vendor_id)
    again = start_verification(PHONE, purpose="login", subject="s:one")
    assert (again.ok, again.sent, again.reason) == (True, False, Reason.ALREADY_SENT)
    assert len(PhoneLedger.objects.get().sends) == 1  # the second was given back
    assert again.verification is not None
    assert check_verification(again.verification, code).ok


@pytest.mark.parametrize("whose", ["unknown", "another subject", "another purpose", "spent"])
def test_a_506_of_any_other_code_is_never_adopted(vendor: FakeVendor, clock: Clock, whose: str) -> None:
    if whose == "unknown":
        vendor_id = "7777777"
    else:
        first = start_verification(PHONE, purpose="login", subject="s:one")
        assert first.verification is not None
        vendor_id = vendor.otps[-1][2]
        if whose == "spent":
            for _ in range(5):
                check_verification(first.verification, vendor.wrong_code(PHONE))
        clock.tick(seconds=61)
    vendor.send_error = errors.RequestAlreadyExists(outcome=Outcome.REFUSED, verification_id=vendor_id)
    result = start_verification(
        PHONE,
        purpose="payment" if whose == "another purpose" else "login",
        subject="s:two" if whose == "another subject" else "s:one",
    )
    assert (result.ok, result.reason) == (False, Reason.CODE_LIVES)
    assert result.verification is not None
    assert result.verification.status == VerificationStatus.FAILED


def test_a_worker_that_died_in_mid_send_holds_the_phone_only_as_long_as_its_call_could_last(
    vendor: FakeVendor, clock: Clock
) -> None:
    class Killed(BaseException):
        pass

    def die(_phone: str) -> None:
        raise Killed

    vendor.before_send = die
    with pytest.raises(Killed):
        start_verification(PHONE, subject="s:one")
    vendor.before_send = lambda phone: None
    assert start_verification(PHONE, subject="s:two").reason == Reason.CODE_LIVES
    clock.tick(seconds=longest_call() + 1)
    assert start_verification(PHONE, subject="s:two").sent


@pytest.mark.parametrize("phone", ["", "abc", "+91123", None, "+9999999999999999"])
def test_an_invalid_phone_is_told_what_to_do(phone: object) -> None:
    result = start_verification(phone, subject="s:one")
    assert (result.ok, result.reason) == (False, Reason.INVALID_PHONE)
    assert result.message
    assert not Verification.objects.exists()


def test_silent_authentication_is_refused_with_a_clear_reason(vendor: FakeVendor) -> None:
    result = start_verification(PHONE, channel="SAUTH", subject="s:one")
    assert result.reason == Reason.UNSUPPORTED_CHANNEL
    assert vendor.otps == []


def test_the_site_can_be_stopped(vendor: FakeVendor, configure: Callable[..., None]) -> None:
    configure(SENDING_ENABLED=False)
    assert start_verification(PHONE, subject="s:one").reason == Reason.SENDING_DISABLED
    assert vendor.otps == []


@pytest.mark.parametrize("purpose", ["", "Login", "a b", "x" * 41])
def test_a_purpose_is_a_slug(purpose: str) -> None:
    with pytest.raises(ValueError, match="purpose"):
        start_verification(PHONE, purpose=purpose)


@pytest.mark.django_db(transaction=True)
def test_calling_the_vendor_inside_a_transaction_is_refused(vendor: FakeVendor) -> None:
    with transaction.atomic(), pytest.raises(InsideTransaction, match="non_atomic_requests"):
        start_verification(PHONE, subject="s:one")
    assert vendor.otps == []


def test_a_user_owns_what_was_started_logged_in(vendor: FakeVendor) -> None:
    ann, bob = (get_user_model().objects.create_user(name) for name in ("ann", "bob"))
    result = start_verification(PHONE, user=ann)
    assert result.token == ""
    assert result.verification is not None
    public_id = result.verification.public_id
    assert check_verification(public_id, vendor.code_of(PHONE), user=bob).reason == Reason.UNKNOWN
    assert check_verification(public_id, vendor.code_of(PHONE), user=ann).ok


def test_a_session_keeps_its_verification_over_login(vendor: FakeVendor, client: Any) -> None:
    session = client.session
    result = start_verification(PHONE, session=session)
    session.cycle_key()  # what Django does at login
    assert result.verification is not None
    assert check_verification(result.verification.public_id, vendor.code_of(PHONE), session=session).ok


def test_states_leave_the_final_ones_never() -> None:
    final = {VerificationStatus.VERIFIED, VerificationStatus.FAILED, VerificationStatus.CANCELLED}
    assert all(not TRANSITIONS[status] for status in final)
    assert VerificationStatus.VERIFIED not in TRANSITIONS[VerificationStatus.EXPIRED]


def test_the_living_key_is_gone_when_a_code_is_over(vendor: FakeVendor, clock: Clock) -> None:
    result = start_verification(PHONE, subject="s:one")
    clock.tick(seconds=61)
    assert start_verification(PHONE, subject="s:two").sent
    assert result.verification is not None
    result.verification.refresh_from_db()
    assert result.verification.status == VerificationStatus.EXPIRED
    statuses = list(Challenge.objects.order_by("pk").values_list("status", "living_key"))
    assert statuses == [(ChallengeStatus.EXPIRED, None), (ChallengeStatus.LIVING, PHONE)]
