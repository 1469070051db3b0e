"""The real backend, against the sandbox."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator

import pytest
from django.test import RequestFactory, override_settings
from django.views.debug import ExceptionReporter
from openpyxl import Workbook

from django_messagecentral import exceptions as errors
from django_messagecentral.backends import OutgoingMessage, get_backend
from django_messagecentral.backends.messagecentral import MessageCentralBackend
from django_messagecentral.exceptions import MessageCentralError, Outcome
from django_messagecentral.sandbox import SandboxServer

PHONE = "+919876543210"
CODE, TOKEN = "847261", "a.ready.token"
BACKEND = "django_messagecentral.backends.messagecentral.MessageCentralBackend"


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(port=0) as server:
        account = {"CUSTOMER_ID": "C-SANDBOX0000001", "PASSWORD": "sandbox", "BASE_URL": server.url}
        with override_settings(MESSAGECENTRAL={"BACKEND": BACKEND, "SENDER_ID": "UTOMOB", **account}):
            yield server


def test_a_phone_is_verified_with_a_code_of_the_sites_length(sandbox: SandboxServer) -> None:
    backend = get_backend()
    sent = backend.send_otp(PHONE, channel="WHATSAPP", language="en")
    [received] = sandbox.messages("919876543210")
    assert (received["channel"], len(received["otp"])) == ("WHATSAPP", 6)
    with pytest.raises(errors.WrongOtp):
        backend.validate_otp(sent.verification_id or "", "000000" if received["otp"] != "000000" else "1")
    assert backend.validate_otp(sent.verification_id or "", received["otp"]).verification_status
    backend.send_otp("+919876543211", code_length=8)
    assert len(sandbox.messages("919876543211")[0]["otp"]) == 8


def test_messages_leave_one_by_one_in_bulk_and_from_a_workbook(sandbox: SandboxServer) -> None:
    backend = get_backend()
    message = OutgoingMessage(PHONE, "Hello", message_type="PROMOTIONAL", sender_id="MYBRND")
    assert backend.send_message(message).transaction_id
    assert backend.send_bulk([PHONE, "+393331234567"], message).transaction_id
    book, file = Workbook(), io.BytesIO()
    assert book.active is not None
    book.active.append(["Country", "Mobile", "var1"])
    book.active.append(["91", "9876543212", "Asha"])
    book.save(file)
    backend.send_file(file.getvalue(), OutgoingMessage("", "Hello ##var##"))
    assert [each["text"] for each in sandbox.messages("919876543210")] == ["Hello", "Hello"]
    assert sandbox.messages("919876543210")[0]["sender"] == "MYBRND"
    assert sandbox.messages("393331234567")[0]["text"] == "Hello"
    assert sandbox.messages("919876543212")[0]["text"] == "Hello Asha"
    assert sandbox.messages("919876543212")[0]["sender"] == "UTOMOB", "the settings' sender is the default"


def test_what_is_no_number_is_refused_before_the_wire(sandbox: SandboxServer) -> None:
    for act in (
        lambda: get_backend().send_otp("nonsense"),
        lambda: get_backend().send_message(OutgoingMessage("9876543210", "Hello")),
    ):
        with pytest.raises(errors.InvalidArgument) as refused:
            act()
        assert refused.value.outcome is Outcome.REFUSED
    assert sandbox.messages() == []


@pytest.mark.parametrize("settings", [{}, {"CUSTOMER_ID": "C-1"}, {"BASE_URL": "nonsense", "TOKEN": "t"}])
def test_a_site_without_an_account_keeps_its_messages(settings: dict[str, str]) -> None:
    """Nothing left, so a queue holds them until somebody has mended the settings."""
    with override_settings(MESSAGECENTRAL=settings):
        with pytest.raises(errors.AuthenticationFailed, match="settings cannot be used") as failed:
            get_backend().send_otp(PHONE)
        assert failed.value.outcome is Outcome.NEVER_LEFT


def test_another_token_is_fetched_when_the_password_changes(sandbox: SandboxServer) -> None:
    get_backend().send_otp(PHONE)
    wrong = {"CUSTOMER_ID": "C-SANDBOX0000001", "PASSWORD": "wrong", "BASE_URL": sandbox.url}
    with override_settings(MESSAGECENTRAL=wrong), pytest.raises(errors.AuthenticationFailed):
        get_backend().send_otp("+919876543211")


def report_of(act: Callable[[], object]) -> str:
    try:
        act()
    except MessageCentralError:
        reporter = ExceptionReporter(RequestFactory().get("/"), *sys.exc_info())
        return reporter.get_traceback_html() + reporter.get_traceback_text()
    raise AssertionError("nothing was raised")


def test_error_reports_hide_what_the_calls_carry() -> None:
    """The e-mail that Django sends to the admins shows local variables, but none of ours."""
    with override_settings(MESSAGECENTRAL={"TOKEN": TOKEN, "BASE_URL": "http://127.0.0.1:1"}):
        backend = MessageCentralBackend()
        reports = [
            report_of(lambda: backend.validate_otp("77123456", CODE)),
            report_of(lambda: backend.send_message(OutgoingMessage(PHONE, f"{CODE} is it", sender_id="S"))),
        ]
    for report in reports:
        assert "ConnectionNotMade" in report
        assert CODE not in report
        assert TOKEN not in report
