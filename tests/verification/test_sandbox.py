"""The whole flow over real HTTP: this site's client against the sandbox, which shares no code with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from django_messagecentral.sandbox import SandboxServer
from django_messagecentral.verification.models import PhoneLedger
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.service import (
    cancel_verification,
    check_verification,
    consume_proof,
    resend_verification,
    start_verification,
)
from tests.verification.conftest import PHONE, Clock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sandbox(configure: Callable[..., None]) -> Iterator[SandboxServer]:
    with SandboxServer(port=0) as server:
        configure(
            BACKEND="django_messagecentral.backends.messagecentral.MessageCentralBackend",
            BASE_URL=server.url,
            READ_TIMEOUT=2.0,
        )
        yield server


def received(sandbox: SandboxServer, phone: str = PHONE) -> list[dict[str, Any]]:

    url = f"{sandbox.url}/_sandbox/messages"
    answer: list[dict[str, Any]] = requests.get(url, params={"mobile": phone[1:]}, timeout=5).json()
    return answer


def test_a_wrong_code_then_the_right_one_then_again(sandbox: SandboxServer) -> None:
    started = start_verification("98765 43210", purpose="signup", session="visitor")
    assert started.sent, started.message
    assert started.verification is not None
    (text,) = received(sandbox)
    code = text["otp"]
    assert len(code) == 6
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert check_verification(started.verification, wrong).reason == Reason.WRONG_CODE
    right = check_verification(started.verification.public_id, code, session="visitor")
    assert right.ok
    assert check_verification(started.verification, code).reason == Reason.ALREADY_VERIFIED
    proof = consume_proof(right.proof, purpose="signup", phone=PHONE, session="visitor")
    assert (proof.ok, proof.phone) == (True, PHONE)


def test_one_code_at_a_number_whoever_asks(sandbox: SandboxServer) -> None:
    first = start_verification(PHONE, purpose="login", session="visitor")
    assert start_verification(PHONE, purpose="login", session="visitor").reason == Reason.ALREADY_SENT
    assert start_verification(PHONE, purpose="payment", session="other").reason == Reason.CODE_LIVES
    assert first.verification is not None
    assert resend_verification(first.verification).reason == Reason.CODE_LIVES
    assert len(received(sandbox)) == 1


def test_a_code_that_still_lives_at_the_vendor_goes_on(sandbox: SandboxServer, clock: Clock) -> None:
    """Our clock runs ahead; the vendor answers 506 with the id of the code, which this site issued."""
    start_verification(PHONE, purpose="login", session="visitor")
    clock.tick(seconds=61)
    again = start_verification(PHONE, purpose="login", session="visitor")
    assert (again.ok, again.reason) == (True, Reason.ALREADY_SENT)
    assert again.verification is not None
    assert check_verification(again.verification, received(sandbox)[0]["otp"]).ok
    assert len(received(sandbox)) == 1


def test_a_code_of_another_systems_with_the_same_account_is_not_adopted(sandbox: SandboxServer) -> None:
    from django_messagecentral.backends import get_backend

    get_backend().send_otp(PHONE)
    result = start_verification(PHONE, session="visitor")
    assert (result.ok, result.reason) == (False, Reason.CODE_LIVES)
    assert PhoneLedger.objects.get().sends == []


def test_the_right_code_cannot_be_used_by_who_cancelled(sandbox: SandboxServer) -> None:
    started = start_verification(PHONE, session="visitor").verification
    assert started is not None
    assert cancel_verification(started).ok
    assert check_verification(started, received(sandbox)[0]["otp"]).reason == Reason.CANCELLED


def test_an_own_code_travels_in_the_sites_own_words(
    sandbox: SandboxServer, configure: Callable[..., None]
) -> None:
    configure(OTP_MODE="own", OTP_TEMPLATE="{code} opens the door.")
    started = start_verification(PHONE, session="visitor").verification
    assert started is not None
    text = received(sandbox)[0]["text"]
    assert text.endswith(" opens the door.")
    assert check_verification(started, text.split()[0]).ok


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [
        ("400", Reason.NUMBER_REFUSED),
        ("501", Reason.VENDOR_UNAVAILABLE),
        ("506", Reason.CODE_LIVES),
        ("511", Reason.COUNTRY_NOT_ALLOWED),
        ("800", Reason.VENDOR_BUSY),
        ("401", Reason.VENDOR_UNAVAILABLE),
        ("429", Reason.VENDOR_BUSY),
        ("409", Reason.SEND_UNCONFIRMED),
        ("500", Reason.SEND_UNCONFIRMED),
        ("502", Reason.SEND_UNCONFIRMED),
        ("600", Reason.SEND_UNCONFIRMED),
        ("601", Reason.SEND_UNCONFIRMED),
        ("603", Reason.SEND_UNCONFIRMED),
        ("606", Reason.SEND_UNCONFIRMED),
        ("609", Reason.SEND_UNCONFIRMED),
    ],
)
def test_each_failure_of_a_send_has_its_reason(sandbox: SandboxServer, suffix: str, reason: Reason) -> None:
    result = start_verification(f"+917999000{suffix}", session="visitor")
    assert (result.ok, result.reason) == (False, reason)
    assert result.message


@pytest.mark.parametrize(
    ("suffix", "reason"),
    [
        ("505", Reason.CODE_EXPIRED),
        ("700", Reason.CHECK_FAILED),
        ("702", Reason.WRONG_CODE),
        ("703", Reason.CODE_USED),
        ("705", Reason.CODE_EXPIRED),
        ("801", Reason.CHECK_FAILED),
    ],
)
def test_each_failure_of_a_check_has_its_reason(sandbox: SandboxServer, suffix: str, reason: Reason) -> None:
    phone = f"+917999000{suffix}"
    started = start_verification(phone, session="visitor").verification
    assert started is not None
    result = check_verification(started, received(sandbox, phone)[0]["otp"])
    assert (result.ok, result.proof, result.reason) == (False, "", reason)
