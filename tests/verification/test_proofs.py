"""The proof: for one phone, purpose and subject, ten minutes, once."""

from __future__ import annotations

import time
from typing import Any

import pytest

from django_messagecentral.verification.proofs import consume_proof, read_proof
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.service import check_verification, start_verification
from tests.verification.conftest import PHONE
from tests.verification.fakes import FakeVendor

pytestmark = pytest.mark.django_db


@pytest.fixture
def proof(vendor: FakeVendor) -> str:
    started = start_verification(PHONE, purpose="signup", subject="s:one").verification
    assert started is not None
    return check_verification(started, vendor.code_of(PHONE)).proof


def test_it_is_taken_once(proof: str) -> None:
    assert read_proof(proof, purpose="signup", subject="s:one").phone == PHONE
    first = consume_proof(proof, purpose="signup", phone="98765 43210", subject="s:one")
    assert (first.ok, first.phone, first.channel) == (True, PHONE, "SMS")
    assert consume_proof(proof, purpose="signup", subject="s:one").reason == Reason.PROOF_USED


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"purpose": "payment"}, Reason.PROOF_INVALID),
        ({"subject": "s:two"}, Reason.PROOF_INVALID),
        ({"subject": "", "token": "x"}, Reason.PROOF_INVALID),
        ({"phone": "+447400123456"}, Reason.PROOF_MISMATCH),
        ({"phone": "garbage"}, Reason.PROOF_MISMATCH),
    ],
)
def test_for_anything_else_it_is_worth_nothing(proof: str, how: dict[str, Any], reason: Reason) -> None:
    result = consume_proof(proof, **({"purpose": "signup", "subject": "s:one"} | how))
    assert (result.ok, result.reason, result.phone) == (False, reason, "")
    assert consume_proof(proof, purpose="signup", subject="s:one").ok  # and it was not used up


def test_nobody_named_is_nobody(proof: str) -> None:
    assert consume_proof(proof, purpose="signup").reason == Reason.PROOF_INVALID


def test_it_lives_ten_minutes(proof: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr("django.core.signing.time.time", lambda: real() + 601)
    assert consume_proof(proof, purpose="signup", subject="s:one").reason == Reason.PROOF_EXPIRED


@pytest.mark.parametrize("place", [0, 20, -1])
def test_a_changed_one_is_refused(proof: str, place: int) -> None:
    letters = list(proof)
    letters[place] = "A" if letters[place] != "A" else "B"
    assert consume_proof("".join(letters), purpose="signup", subject="s:one").reason == Reason.PROOF_INVALID
    assert consume_proof("", purpose="signup", subject="s:one").reason == Reason.PROOF_INVALID
