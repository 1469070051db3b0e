"""The next way out is taken only when it is certain that nothing left by the one before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from django_messagecentral import exceptions as errors
from django_messagecentral.backends import BaseBackend, OutgoingMessage, get_backend
from django_messagecentral.backends.locmem import Outbox
from django_messagecentral.client import SendResult, ValidateResult

from .test_local_backends import workbook

FAILOVER = "django_messagecentral.backends.failover.FailoverBackend"
LOCMEM = "django_messagecentral.backends.locmem.LocmemBackend"
PHONE = "+919876543210"
MESSAGE = OutgoingMessage(PHONE, "Hello")


class First(BaseBackend):
    """Raises ``error`` on sends; knows one verification of its own."""

    error: errors.MessageCentralError | None = None
    calls = 0
    closed = 0

    def send_message(self, message: OutgoingMessage) -> SendResult:
        type(self).calls += 1
        if self.error is not None:
            raise self.error
        return SendResult(transaction_id="first")

    def send_otp(
        self, phone: str, *, channel: str = "SMS", code_length: int | None = None, language: str = ""
    ) -> SendResult:
        if self.error is not None:
            raise self.error
        return SendResult(verification_id="77")

    def validate_otp(self, verification_id: str, code: str) -> ValidateResult:
        return ValidateResult(
            verification_id=verification_id, verification_status=f"first checked {verification_id}"
        )

    def close(self) -> None:
        type(self).closed += 1


FIRST = f"{__name__}.First"


@pytest.fixture
def backend(messagecentral_outbox: Outbox) -> Iterator[BaseBackend]:
    First.error, First.calls, First.closed = None, 0, 0
    with override_settings(MESSAGECENTRAL={"BACKEND": FAILOVER, "FAILOVER_BACKENDS": [FIRST, LOCMEM]}):
        yield get_backend()


def test_the_first_is_used_while_it_works(backend: BaseBackend, messagecentral_outbox: Outbox) -> None:
    assert backend.send_message(MESSAGE).transaction_id == "first"
    assert messagecentral_outbox == []


@pytest.mark.parametrize(
    "error",
    [
        errors.ConnectionNotMade(),
        errors.AuthenticationFailed(),
        errors.RateLimited(),
        errors.MaximumLimitReached(),
    ],
)
def test_the_next_is_used_when_nothing_left(
    backend: BaseBackend, messagecentral_outbox: Outbox, error: errors.MessageCentralError
) -> None:
    First.error = error
    backend.send_message(MESSAGE)
    assert [sent.text for sent in messagecentral_outbox] == ["Hello"]


@pytest.mark.parametrize(
    "error", [errors.AnswerLost(), errors.GatewayError(), errors.BadRequest(), errors.ServerError()]
)
def test_nothing_is_sent_twice_and_a_refusal_stands(
    backend: BaseBackend, messagecentral_outbox: Outbox, error: errors.MessageCentralError
) -> None:
    First.error = error
    with pytest.raises(type(error)):
        backend.send_message(MESSAGE)
    assert messagecentral_outbox == []


def test_when_all_fail_the_last_error_is_told(backend: BaseBackend, messagecentral_outbox: Outbox) -> None:
    First.error = errors.ConnectionNotMade()
    messagecentral_outbox.fail_next(errors.RateLimited(retry_after=9.0))
    with pytest.raises(errors.RateLimited) as failed:
        backend.send_message(MESSAGE)
    assert failed.value.retry_after == 9.0


def test_a_code_is_checked_where_it_was_sent(backend: BaseBackend, messagecentral_outbox: Outbox) -> None:
    first = backend.send_otp(PHONE).verification_id or ""
    assert backend.validate_otp(first, "123456").verification_status == "first checked 77"
    First.error = errors.ConnectionNotMade()
    second = backend.send_otp(PHONE).verification_id or ""
    done = backend.validate_otp(second, messagecentral_outbox.last_code(PHONE))
    assert done.verification_status == "VERIFICATION_COMPLETED"
    assert done.verification_id == second
    assert backend.validate_otp("77", "123456").verification_status == "first checked 77", (
        "from before failover"
    )

    reversed_order = {"BACKEND": FAILOVER, "FAILOVER_BACKENDS": [LOCMEM, FIRST]}
    with override_settings(MESSAGECENTRAL=reversed_order):
        assert get_backend().validate_otp(first, "123456").verification_status == "first checked 77"


def test_the_living_code_of_a_506_can_be_checked_too(
    backend: BaseBackend, messagecentral_outbox: Outbox
) -> None:
    First.error = errors.ConnectionNotMade()
    sent = backend.send_otp(PHONE)
    with pytest.raises(errors.RequestAlreadyExists) as refused:
        backend.send_otp(PHONE)
    assert refused.value.verification_id == sent.verification_id
    backend.validate_otp(refused.value.verification_id or "", messagecentral_outbox.last_code(PHONE))


def test_bulk_and_workbooks_fail_over_too(backend: BaseBackend, messagecentral_outbox: Outbox) -> None:
    with override_settings(MESSAGECENTRAL={"BACKEND": FAILOVER, "FAILOVER_BACKENDS": [LOCMEM]}):
        get_backend().send_bulk([PHONE], MESSAGE)
        get_backend().send_file(workbook(["91", "9876543211", "Asha", 1]), OutgoingMessage("", "Hi ##var##"))
    assert [(sent.kind, sent.text) for sent in messagecentral_outbox] == [
        ("bulk", "Hello"),
        ("file", "Hi Asha"),
    ]


def test_closing_closes_all(backend: BaseBackend) -> None:
    backend.close()
    assert First.closed == 1


def test_without_backends_it_says_what_is_missing() -> None:
    with (
        override_settings(MESSAGECENTRAL={"BACKEND": FAILOVER}),
        pytest.raises(ImproperlyConfigured, match="FAILOVER_BACKENDS"),
    ):
        get_backend()
