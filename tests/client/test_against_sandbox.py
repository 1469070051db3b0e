"""The client and the sandbox, over real HTTP: two readings of one document that share no code."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import pytest
from openpyxl import Workbook

from django_messagecentral import exceptions as errors
from django_messagecentral.client import MessageCentralClient
from django_messagecentral.exceptions import MessageCentralError, Outcome
from django_messagecentral.sandbox import SandboxServer

ACCOUNT = {"customer_id": "C-SANDBOX0000001", "password": "sandbox"}
STAYED, REFUSED, LEFT = Outcome.NEVER_LEFT, Outcome.REFUSED, Outcome.MAY_HAVE_LEFT


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(port=0) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[MessageCentralClient]:
    with MessageCentralClient(sandbox.url, **ACCOUNT, connect_timeout=2, read_timeout=2) as one:
        yield one


def newest(sandbox: SandboxServer, mobile: str) -> dict[str, object]:
    return sandbox.messages(mobile)[0]


def act(client: MessageCentralClient, operation: str, number: str) -> object:
    if operation == "otp":
        return client.send_otp("91", number)
    if operation == "validate":
        return client.validate_otp(client.send_otp("91", number).verification_id or "", "0000")
    return client.send_message("91", number, "Hello", sender_id="UTOMOB")


# -- the modes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", ["SMS", "WHATSAPP", "RCS"])
@pytest.mark.parametrize("length", [None, 4, 6, 8])
def test_a_phone_is_verified(
    client: MessageCentralClient, sandbox: SandboxServer, flow: str, length: int | None
) -> None:
    started = client.send_otp("91", "9876543210", flow_type=flow, otp_length=length)
    received = newest(sandbox, "919876543210")
    code = str(received["otp"])
    assert (received["channel"], len(code)) == (flow, length or 4)
    assert started.timeout
    assert started.verification_id
    assert started.verification_id.isdigit()

    wrong = "".join("1" if digit == "0" else "0" for digit in code)
    with pytest.raises(errors.WrongOtp) as refused:
        client.validate_otp(started.verification_id, wrong)
    assert (refused.value.code, refused.value.outcome) == (702, REFUSED)

    done = client.validate_otp(started.verification_id, code)
    assert done.verification_status == "VERIFICATION_COMPLETED"

    with pytest.raises(errors.AlreadyVerified):
        client.validate_otp(started.verification_id, code)


def test_a_living_code_is_not_sent_twice_but_goes_on(
    client: MessageCentralClient, sandbox: SandboxServer
) -> None:
    started = client.send_otp("91", "9876543210")
    with pytest.raises(errors.RequestAlreadyExists) as refused:
        client.send_otp("91", "9876543210", flow_type="WHATSAPP")
    assert refused.value.outcome is REFUSED
    assert len(sandbox.messages("919876543210")) == 1
    living = refused.value.verification_id or started.verification_id
    assert living == started.verification_id
    client.validate_otp(living or "", str(newest(sandbox, "919876543210")["otp"]))


def test_a_code_expires_and_an_unknown_id_is_said_so(
    client: MessageCentralClient, sandbox: SandboxServer
) -> None:
    started = client.send_otp("91", "9876543210")
    sandbox.move_clock((started.timeout or 0) + 1)
    with pytest.raises(errors.VerificationExpired):
        client.validate_otp(started.verification_id or "", str(newest(sandbox, "919876543210")["otp"]))
    with pytest.raises(errors.InvalidVerificationId):
        client.validate_otp("999999999", "1234")


@pytest.mark.parametrize("flow", ["SMS", "WHATSAPP", "RCS"])
@pytest.mark.parametrize("message_type", ["OTP", "TRANSACTION", "PROMOTIONAL"])
def test_one_message(
    client: MessageCentralClient, sandbox: SandboxServer, flow: str, message_type: str
) -> None:
    text = "Grüße & 100% + नमस्ते?\nsecond line"
    result = client.send_message(
        "91",
        "9876543210",
        text,
        sender_id="UTOMOB",
        flow_type=flow,
        message_type=message_type,
        template_id="t-1",
        entity_id="e-1",
    )
    received = newest(sandbox, "919876543210")
    assert (received["text"], received["channel"], received["otp"]) == (text, flow, None)
    assert result.transaction_id


def test_a_message_too_long_for_an_address_arrives_whole(
    client: MessageCentralClient, sandbox: SandboxServer
) -> None:
    text = "नमस्ते 😀 " * 100
    client.send_message("91", "9876543210", text.strip(), sender_id="UTOMOB")
    assert newest(sandbox, "919876543210")["text"] == text.strip()


def test_many_numbers_in_one_call(client: MessageCentralClient, sandbox: SandboxServer) -> None:
    numbers = [("91", f"98765{number:05}") for number in range(500)]
    result = client.send_bulk(numbers, "Sale today", sender_id="UTOMOB", message_type="PROMOTIONAL")
    assert result.transaction_id
    texts = {message["mobile"]: message["text"] for message in sandbox.messages()}
    assert texts == {code + number: "Sale today" for code, number in numbers}


def test_a_workbook_of_personal_texts(client: MessageCentralClient, sandbox: SandboxServer) -> None:
    book, file = Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Country", "Mobile", "var1", "var2", "var3"])
    sheet.append(["91", "9876543210", "Asha", "₹12", "2026-01-02"])
    sheet.append(["91", "9876543211", "Ravi", "₹7", "2026-01-03"])
    book.save(file)
    template = "Hello ##var##, your balance is ##var2## on date ##var3##."
    file.seek(0)
    client.send_file(file, template, sender_id="UTOMOB")
    assert newest(sandbox, "919876543210")["text"] == "Hello Asha, your balance is ₹12 on date 2026-01-02."
    client.send_file(file.getvalue(), template, sender_id="UTOMOB", message_type="TRANSACTION")
    assert newest(sandbox, "919876543211")["text"] == "Hello Ravi, your balance is ₹7 on date 2026-01-03."


# -- the credentials ---------------------------------------------------------------------------------------


def test_the_ready_key_and_a_ready_token_work_too(
    client: MessageCentralClient, sandbox: SandboxServer
) -> None:
    key = base64.b64encode(b"sandbox").decode()
    with MessageCentralClient(sandbox.url, customer_id=ACCOUNT["customer_id"], key=key, country="91") as one:
        one.send_otp("91", "9876543210")
        token = one._tokens.current().value
    with MessageCentralClient(sandbox.url, token=token) as one:
        one.send_otp("91", "9876543211")
    assert len(sandbox.messages()) == 2


@pytest.mark.parametrize("wrong", [{"customer_id": "C-NOBODY"}, {"password": "wrong"}])
def test_wrong_credentials_are_a_clear_error(sandbox: SandboxServer, wrong: dict[str, str]) -> None:
    with (
        MessageCentralClient(sandbox.url, **(ACCOUNT | wrong)) as one,
        pytest.raises(errors.AuthenticationFailed) as refused,
    ):
        one.send_otp("91", "9876543210")
    assert refused.value.outcome is STAYED
    assert sandbox.messages() == []


def test_expired_tokens_are_renewed_without_anybody_noticing(
    client: MessageCentralClient, sandbox: SandboxServer
) -> None:
    client.send_otp("91", "9876543210")
    first = client._tokens.current().value
    sandbox.expire_tokens()
    client.send_otp("91", "9876543211")
    assert client._tokens.current().value != first
    assert len(sandbox.messages()) == 2


# -- every response code, and every accident ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("suffix", "operation", "kind", "code", "outcome"),
    [
        ("400", "otp", errors.BadRequest, 400, REFUSED),
        ("400", "message", errors.BadRequest, 400, REFUSED),
        ("409", "message", errors.DuplicateResource, 409, LEFT),
        ("500", "message", errors.ServerError, 500, LEFT),
        ("501", "otp", errors.InvalidCustomerId, 501, REFUSED),
        ("501", "message", errors.InvalidCustomerId, 501, REFUSED),
        ("505", "validate", errors.InvalidVerificationId, 505, REFUSED),
        ("506", "otp", errors.RequestAlreadyExists, 506, REFUSED),
        ("506", "message", errors.RequestAlreadyExists, 506, LEFT),
        ("511", "message", errors.InvalidCountryCode, 511, REFUSED),
        ("700", "validate", errors.VerificationFailed, 700, REFUSED),
        ("702", "validate", errors.WrongOtp, 702, REFUSED),
        ("703", "validate", errors.AlreadyVerified, 703, REFUSED),
        ("705", "validate", errors.VerificationExpired, 705, REFUSED),
        ("800", "message", errors.MaximumLimitReached, 800, STAYED),
        ("800", "otp", errors.MaximumLimitReached, 800, STAYED),
        ("801", "validate", errors.MaximumLimitReached, 800, REFUSED),
        ("609", "message", errors.UnknownResponseCode, 999, LEFT),
    ],
)
def test_every_response_code(
    client: MessageCentralClient,
    suffix: str,
    operation: str,
    kind: type[MessageCentralError],
    code: int,
    outcome: Outcome,
) -> None:
    with pytest.raises(MessageCentralError) as failed:
        act(client, operation, f"7999000{suffix}")
    assert (type(failed.value), failed.value.code, failed.value.outcome) == (kind, code, outcome)


@pytest.mark.parametrize(
    ("suffix", "kind", "outcome"),
    [
        ("401", errors.AuthenticationFailed, STAYED),
        ("403", errors.AuthenticationFailed, STAYED),
        ("429", errors.RateLimited, STAYED),
        ("502", errors.GatewayError, LEFT),
        ("503", errors.GatewayError, LEFT),
        ("504", errors.GatewayError, LEFT),
        ("600", errors.UnreadableAnswer, LEFT),
        ("601", errors.AnswerLost, LEFT),
        ("602", errors.AnswerLost, LEFT),
        ("603", errors.AnswerLost, LEFT),
        ("604", errors.AnswerLost, LEFT),
        ("605", errors.AnswerLost, LEFT),
        ("606", errors.UnreadableAnswer, LEFT),
        ("607", errors.UnreadableAnswer, LEFT),
        ("608", errors.UnreadableAnswer, LEFT),
    ],
)
def test_every_accident(
    client: MessageCentralClient, suffix: str, kind: type[MessageCentralError], outcome: Outcome
) -> None:
    with pytest.raises(MessageCentralError) as failed:
        act(client, "message", f"7999000{suffix}")
    assert (type(failed.value), failed.value.outcome) == (kind, outcome)
    if suffix in ("429", "503"):
        assert failed.value.retry_after == 2.0
