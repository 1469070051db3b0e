"""What the structured log tells of verifications that expire and go on."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from django_messagecentral import events
from django_messagecentral.verification.service import (
    cancel_verification,
    check_verification,
    resend_verification,
    start_verification,
)
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("goes_on", "change"),
    [
        (resend_verification, ("expired", "pending", "another_code")),
        (cancel_verification, ("expired", "cancelled", "cancelled")),
    ],
)
def test_a_verification_that_expired_and_goes_on_tells_both(
    vendor: FakeVendor, clock: Clock, caplog: pytest.LogCaptureFixture, goes_on: Any, change: tuple[str, ...]
) -> None:
    caplog.set_level(logging.INFO, events.logger.name)
    verification = start_verification(PHONE, subject="s:one").verification
    assert verification is not None
    clock.tick(seconds=700)
    assert not check_verification(verification, vendor.code_of(PHONE)).ok
    assert goes_on(verification).ok
    told = [record for record in caplog.records if record.name == events.logger.name]
    assert [(line.old, line.new, line.cause) for line in told if hasattr(line, "verification_id")] == [
        ("pending", "expired", "code_expired"),
        change,
    ]
