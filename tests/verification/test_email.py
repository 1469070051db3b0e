"""A code by e-mail is the last resort, and proves an e-mail address only."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core import mail

from django_messagecentral.signals import phone_verified
from django_messagecentral.verification.gates import is_verified
from django_messagecentral.verification.models import PhoneLedger, Verification
from django_messagecentral.verification.proofs import consume_proof, read_proof
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.service import (
    check_verification,
    resend_verification,
    start_verification,
)
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor

pytestmark = pytest.mark.django_db


def verified_address(user: Any) -> str:
    """A site knows which address of a user is verified."""
    return str(user.email) if user.first_name == "confirmed" else ""


@pytest.fixture(autouse=True)
def with_email(configure: Callable[..., None]) -> None:
    configure(
        OTP_CHANNELS=("SMS", "EMAIL"),
        OTP_EMAIL_OF="tests.verification.test_email.verified_address",
        OTP_EMAIL_PURPOSES=("payment",),
        OTP_TEMPLATE="{code}",
    )


@pytest.fixture
def ann() -> Any:
    return get_user_model().objects.create_user("ann", "ann@example.org", first_name="confirmed")


def by_email(ann: Any, clock: Clock) -> Verification:
    """The SMS did not come; the resend goes by e-mail."""
    started = start_verification(PHONE, purpose="payment", user=ann).verification
    assert started is not None
    clock.tick(seconds=61)
    assert resend_verification(started).sent
    started.refresh_from_db()
    return started


def test_the_last_channel_is_the_users_verified_address(vendor: FakeVendor, ann: Any, clock: Clock) -> None:
    heard: list[Any] = []

    def hear(**arguments: Any) -> None:
        heard.append(arguments)

    phone_verified.connect(hear)
    try:
        verification = by_email(ann, clock)
        (message,) = mail.outbox
        assert message.to == ["ann@example.org"]
        result = check_verification(verification, message.body)
    finally:
        phone_verified.disconnect(hear)
    assert (result.ok, result.reason) == (True, Reason.EMAIL_VERIFIED)
    assert heard == []
    assert PhoneLedger.objects.get().verified_at is None
    assert not Verification.objects.verified().exists()
    assert read_proof(result.proof, purpose="payment", user=ann, phone=PHONE).reason == Reason.PROOF_MISMATCH
    proof = consume_proof(result.proof, purpose="payment", user=ann)
    assert (proof.ok, proof.phone, proof.channel) == (True, "", "EMAIL")


def test_its_proof_counts_for_no_purpose_that_does_not_name_email(
    vendor: FakeVendor, ann: Any, clock: Clock, rf: Any, configure: Callable[..., None]
) -> None:
    verification = by_email(ann, clock)
    proof = check_verification(verification, mail.outbox[0].body).proof
    request = rf.get("/")
    request.user = ann
    assert is_verified(request, purpose="payment", max_age=600)
    assert not is_verified(request, purpose="payment", max_age=600, phone=PHONE)
    configure(OTP_EMAIL_PURPOSES=())
    assert read_proof(proof, purpose="payment", user=ann).reason == Reason.PROOF_INVALID
    assert not is_verified(request, purpose="payment", max_age=600)


@pytest.mark.parametrize("who", ["a stranger", "an address not confirmed", "another purpose"])
def test_nobody_else_gets_an_email(vendor: FakeVendor, ann: Any, clock: Clock, who: str) -> None:
    if who == "an address not confirmed":
        ann.first_name = ""
        ann.save()
    purpose = "login" if who == "another purpose" else "payment"
    asked: dict[str, Any] = {"subject": "s:one"} if who == "a stranger" else {"user": ann}
    started = start_verification(PHONE, purpose=purpose, **asked).verification
    assert started is not None
    clock.tick(seconds=61)
    assert resend_verification(started).sent
    assert mail.outbox == []
    assert [channel for _phone, channel, _id in vendor.otps] == ["SMS", "SMS"]
    assert start_verification(PHONE, purpose=purpose, channel="EMAIL", **asked).reason in (
        Reason.UNSUPPORTED_CHANNEL,
        Reason.CODE_LIVES,
        Reason.ALREADY_SENT,
    )


def test_a_mail_server_that_is_away(
    vendor: FakeVendor, ann: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any, **__: Any) -> int:
        raise smtplib.SMTPServerDisconnected("password=secret")

    monkeypatch.setattr("django_messagecentral.verification.email.send_mail", away)
    started = start_verification(PHONE, purpose="payment", user=ann).verification
    assert started is not None
    clock.tick(seconds=61)
    assert resend_verification(started).reason == Reason.VENDOR_UNAVAILABLE
    started.refresh_from_db()
    assert started.challenge is not None
    assert "secret" not in started.challenge.error
    assert len(PhoneLedger.objects.get().sends) == 1
