"""A code that does not arrive goes by the next channel; each is a new code past all guards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from django_messagecentral import exceptions as errors
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.signals import callback_received
from django_messagecentral.verification import receivers, tasks
from django_messagecentral.verification.flows.fallback import fall_back, overdue
from django_messagecentral.verification.flows.sweep import sweep
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.service import (
    check_verification,
    resend_verification,
    start_verification,
)
from django_messagecentral.verification.states import VerificationStatus
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor

pytestmark = pytest.mark.django_db
THREE = ("SMS", "WHATSAPP", "RCS")


def test_a_refused_channel_is_followed_by_the_next_at_once(
    vendor: FakeVendor, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(OTP_CHANNELS=THREE)
    real = vendor.send_otp

    def no_sms(phone: str, *, channel: str = "SMS", **more: Any) -> Any:
        if channel == "SMS":
            raise errors.BadRequest()
        return real(phone, channel=channel, **more)

    monkeypatch.setattr(vendor, "send_otp", no_sms)
    result = start_verification(PHONE, subject="s:one")
    assert result.sent
    assert result.verification is not None
    assert result.verification.channel == "WHATSAPP"
    assert check_verification(result.verification, vendor.code_of(PHONE)).ok


def test_a_channel_that_was_asked_for_is_not_changed(
    vendor: FakeVendor, configure: Callable[..., None]
) -> None:
    configure(OTP_CHANNELS=THREE)
    vendor.send_error = errors.BadRequest()
    assert start_verification(PHONE, channel="SMS", subject="s:one").reason == Reason.NUMBER_REFUSED
    assert Challenge.objects.count() == 1
    assert start_verification(PHONE, subject="s:one").reason == Reason.NUMBER_REFUSED
    assert Challenge.objects.count() == 4


def test_with_the_vendors_codes_the_resend_goes_by_the_next_channel(
    vendor: FakeVendor, configure: Callable[..., None], clock: Clock
) -> None:
    configure(OTP_CHANNELS=THREE)
    started = start_verification(PHONE, subject="s:one").verification
    assert started is not None
    for _ in range(3):
        assert resend_verification(started).reason == Reason.CODE_LIVES
        clock.tick(seconds=301)
        assert resend_verification(started).sent
    assert [channel for _phone, channel, _id in vendor.otps] == ["SMS", "WHATSAPP", "RCS", "RCS"]


def test_a_resend_goes_by_the_first_channel_that_is_not_refused(
    vendor: FakeVendor, configure: Callable[..., None], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(OTP_CHANNELS=THREE)
    started = start_verification(PHONE, subject="s:one").verification
    assert started is not None
    clock.tick(seconds=61)
    real = vendor.send_otp

    def no_whatsapp(phone: str, *, channel: str = "SMS", **more: Any) -> Any:
        if channel == "WHATSAPP":
            raise errors.BadRequest()
        return real(phone, channel=channel, **more)

    monkeypatch.setattr(vendor, "send_otp", no_whatsapp)
    again = resend_verification(started)
    assert (again.sent, again.reason) == (True, Reason.SENT)
    assert again.verification is not None
    assert again.verification.channel == "RCS"
    assert check_verification(started, vendor.code_of(PHONE)).ok


@pytest.fixture
def own(vendor: FakeVendor, configure: Callable[..., None]) -> Verification:
    configure(OTP_MODE="own", OTP_TEMPLATE="{code}", OTP_CHANNELS=("SMS", "WHATSAPP"), OTP_FALLBACK_AFTER=45)
    started = start_verification(PHONE, subject="s:one").verification
    assert started is not None
    return started


def report(challenge: Challenge, status: str) -> None:
    """What the webhook does when a delivery report has come."""
    row = Callback(vendor_message_id=challenge.transaction_id, vendor_status=status, phone=PHONE)
    callback_received.send(sender=Callback, callback=row, event=row.event)


def test_an_undelivered_own_code_is_followed_by_another(
    vendor: FakeVendor, own: Verification, clock: Clock
) -> None:
    assert receivers.NOT_DELIVERED
    first = Challenge.objects.get()
    report(first, "DELIVRD")
    clock.tick(seconds=31)
    assert len(vendor.messages) == 1
    report(first, "UNDELIV")
    report(first, "UNDELIV")  # reports come twice
    assert [message.channel for message in vendor.messages] == ["SMS", "WHATSAPP"]
    old, new = (message.text for message in vendor.messages)
    first.refresh_from_db()
    assert (first.code_hash, first.living_key) == ("", None)
    if old != new:
        assert not check_verification(own, old).ok
    assert check_verification(own, new).ok


def test_a_report_within_the_cool_down_is_not_forgotten(
    vendor: FakeVendor, own: Verification, clock: Clock
) -> None:
    """Carriers say "undelivered" within seconds; the phone's cool-down is longer."""
    clock.tick(seconds=3)
    report(Challenge.objects.get(), "UNDELIV")
    tasks.sweep_verifications()
    assert len(vendor.messages) == 1
    clock.tick(seconds=28)
    tasks.sweep_verifications()
    tasks.sweep_verifications()
    assert [message.channel for message in vendor.messages] == ["SMS", "WHATSAPP"]
    assert check_verification(own, vendor.messages[-1].text).ok


def test_a_report_of_anything_else_sends_nothing(vendor: FakeVendor, own: Verification, clock: Clock) -> None:
    clock.tick(seconds=31)
    report(Challenge(transaction_id="no such id"), "UNDELIV")
    report(Challenge(transaction_id=""), "UNDELIV")
    assert len(vendor.messages) == 1


def test_a_fallback_passes_the_guards(vendor: FakeVendor, own: Verification) -> None:
    challenge = Challenge.objects.get()
    refused = fall_back(challenge.pk)
    assert refused is not None
    assert refused.reason == Reason.COOLDOWN
    assert len(vendor.messages) == 1


def test_a_code_not_entered_in_time_is_followed_by_another_by_the_sweep(
    vendor: FakeVendor, own: Verification, clock: Clock
) -> None:
    clock.tick(seconds=40)
    assert overdue() == []
    clock.tick(seconds=6)
    tasks.sweep_verifications()
    tasks.sweep_verifications()
    assert [message.channel for message in vendor.messages] == ["SMS", "WHATSAPP"]
    clock.tick(seconds=60)
    tasks.sweep_verifications()  # there is no third channel
    assert len(vendor.messages) == 2


def test_an_entered_code_is_followed_by_nothing(vendor: FakeVendor, own: Verification, clock: Clock) -> None:
    assert check_verification(own, vendor.messages[0].text).ok
    clock.tick(seconds=60)
    tasks.sweep_verifications()
    assert fall_back(Challenge.objects.get().pk) is None
    assert len(vendor.messages) == 1


def test_the_sweep_ends_what_nobody_looks_at(vendor: FakeVendor, clock: Clock) -> None:
    started = start_verification(PHONE, subject="s:one").verification
    assert started is not None
    clock.tick(seconds=61)
    assert sweep() == 1
    started.refresh_from_db()
    assert started.status == VerificationStatus.EXPIRED
    assert not Challenge.objects.filter(living_key__isnull=False).exists()
    assert sweep() == 0


def test_a_reviewers_fixed_code_proves_nothing_for_staff_and_is_for_a_handful(
    vendor: FakeVendor, configure: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    configure(OTP_REVIEWER_NUMBERS={PHONE: "246802"})
    visitor = start_verification(PHONE, subject="s:one").verification
    assert vendor.otps == []
    assert visitor is not None
    assert not check_verification(visitor, "246803").ok
    assert "was accepted" not in caplog.text
    assert check_verification(visitor, "246802").ok
    assert "a reviewer's fixed code was accepted for +91••••••3210" in caplog.text
    assert "246802" not in caplog.text
    staff = get_user_model().objects.create_user("staff", is_staff=True)
    assert start_verification(PHONE, user=staff).reason == Reason.COOLDOWN
    configure(OTP_COOLDOWNS=())
    assert start_verification(PHONE, user=staff).sent
    assert len(vendor.otps) == 1  # a real code
    many = {f"+91{9876500000 + 1000 * index}": "246802" for index in range(6)}
    configure(OTP_REVIEWER_NUMBERS=many)
    assert start_verification(next(iter(many)), subject="s:two").sent
    assert len(vendor.otps) == 2
