"""What the client puts on the wire: the vendor document's parameters, each where the vendor looks for it."""

from __future__ import annotations

import io

import pytest

from django_messagecentral.client import MessageCentralClient
from django_messagecentral.exceptions import InvalidArgument, Outcome

from .vendor import KEY, SEND_URL, TOKEN_URL, VALIDATE_URL, client, form_of, query_of, sent, validated, vendor


def test_the_token_call_carries_the_url_encoded_key() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        client(country="+91", email="me@example.com").send_otp("91", "9999999999")
        token_call = mock.calls[0].request
    assert "key=cEBzcyB3b3JkKy89w7w%3D" in str(token_call.url)
    assert query_of(token_call) == {
        "customerId": "C-1",
        "key": KEY,
        "scope": "NEW",
        "country": "91",
        "email": "me@example.com",
    }
    assert not token_call.body


def test_a_ready_key_is_sent_as_it_is() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        client(password="", key="a+b/c==", scope="OLD").send_otp("91", "9999999999")
        assert query_of(mock.calls[0].request) == {"customerId": "C-1", "key": "a+b/c==", "scope": "OLD"}
        assert "a%2Bb%2Fc%3D%3D" in str(mock.calls[0].request.url)


def test_a_ready_token_needs_no_token_call() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        MessageCentralClient(token="ready.made.token").send_otp("91", "9999999999")
        assert [call.request.url.split("?")[0] for call in mock.calls] == [SEND_URL]
        assert mock.calls[0].request.headers["authToken"] == "ready.made.token"


def test_an_otp_travels_in_the_query_with_an_empty_body() -> None:
    with vendor(token="tok.en.1") as mock:
        mock.post(SEND_URL, json=sent())
        result = client().send_otp("91", "9999999999", flow_type="whatsapp", otp_length=6, lang_id="en")
        request = mock.calls[1].request
    assert query_of(request) == {
        "countryCode": "91",
        "mobileNumber": "9999999999",
        "flowType": "WHATSAPP",
        "type": "OTP",
        "otpLength": "6",
        "langId": "en",
    }
    assert not request.body
    assert request.headers["authToken"] == "tok.en.1"
    assert (result.verification_id, result.timeout, result.mobile_number) == ("1234", 30.0, "9999999999")
    assert result.transaction_id == "1c9c56ec-5cd3-48b5-9e32-a15499fb77a2"
    assert (result.code, result.message, result.sms_cli) == (200, "SUCCESS", None)


@pytest.mark.parametrize("flow", ["SMS", "WHATSAPP", "RCS", "SAUTH", "EMAIL"])
def test_every_channel_goes_through_for_codes_and_texts(flow: str) -> None:
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        client().send_otp("91", "9999999999", flow_type=flow)
        client().send_message("91", "9999999999", "Hello", sender_id="UTOMOB", flow_type=flow)
        sends = [query_of(call.request) for call in mock.calls if call.request.method == "POST"]
    assert [(send["type"], send["flowType"]) for send in sends] == [("OTP", flow), ("SMS", flow)]


def test_a_code_is_checked_with_a_get() -> None:
    with vendor() as mock:
        mock.get(VALIDATE_URL, json=validated())
        result = client().validate_otp("2949", "1476", lang_id="en")
        assert query_of(mock.calls[1].request) == {"verificationId": "2949", "code": "1476", "langId": "en"}
    assert result.verification_status == "VERIFICATION_COMPLETED"
    assert (result.verification_id, result.mobile_number, result.code) == ("2949", "9999999999", 200)


def test_one_message_travels_in_the_query_as_in_the_vendors_sample() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        client().send_message(
            "91",
            "9999999999",
            "Hello & नमस्ते + 100%",
            sender_id="UTOMOB",
            message_type="PROMOTIONAL",
            template_id="t-1",
            entity_id="e-1",
            otp_length=4,
            lang_id="hi",
        )
        request = mock.calls[1].request
    assert query_of(request) == {
        "countryCode": "91",
        "mobileNumber": "9999999999",
        "type": "SMS",
        "flowType": "SMS",
        "messageType": "PROMOTIONAL",
        "senderId": "UTOMOB",
        "templateId": "t-1",
        "entityId": "e-1",
        "otpLength": "4",
        "langId": "hi",
        "message": "Hello & नमस्ते + 100%",
    }
    assert not request.body


def test_message_type_defaults_to_the_vendors_own_default() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        client().send_message("91", "9999999999", "Hello", sender_id="UTOMOB")
        assert query_of(mock.calls[1].request)["messageType"] == "OTP"


def test_a_text_too_long_for_an_address_goes_into_the_form_body() -> None:
    text = "न" * 1600
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        client().send_message("91", "9999999999", text, sender_id="UTOMOB")
        request = mock.calls[1].request
    assert "message" not in query_of(request)
    assert query_of(request)["mobileNumber"] == "9999999999"
    assert form_of(request) == {"message": text}
    assert len(str(request.url)) < 4200


def test_many_numbers_travel_in_the_form_body_in_the_vendors_format() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        client().send_bulk(
            iter([("91", "9816111111"), ("+91", "7715131105")]), "Sale today", sender_id="UTOMOB"
        )
        request = mock.calls[1].request
    assert form_of(request) == {"phoneNumbers": "91 9816111111, 91 7715131105", "message": "Sale today"}
    assert query_of(request) == {
        "type": "SMS",
        "flowType": "SMS",
        "messageType": "OTP",
        "senderId": "UTOMOB",
    }


@pytest.mark.parametrize("file", [b"PK\x03\x04 workbook", io.BytesIO(b"PK\x03\x04 workbook")])
def test_a_workbook_is_a_multipart_upload(file: bytes | io.BytesIO) -> None:
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        client().send_file(file, "Hello ##var##, ##var2##", sender_id="UTOMOB", message_type="TRANSACTION")
        request = mock.calls[1].request
    body = request.body
    assert isinstance(body, bytes)
    assert request.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="file"; filename="recipients.xlsx"' in body
    assert b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" in body
    assert b"PK\x03\x04 workbook" in body
    assert b'name="message"\r\n\r\nHello ##var##, ##var2##' in body
    assert query_of(request)["type"] == "SMS"


def test_a_workbook_is_sent_whole_again_after_a_refused_token() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, status=401)
        mock.post(SEND_URL, json=sent())
        client().send_file(io.BytesIO(b"the whole workbook"), "Hello", sender_id="UTOMOB")
        sends = [call.request.body for call in mock.calls if call.request.method == "POST"]
    assert len(sends) == 2
    assert all(b"the whole workbook" in body for body in sends)


GOOD = {"sender_id": "UTOMOB"}


@pytest.mark.parametrize(
    ("method", "arguments", "options"),
    [
        ("send_otp", ("", "9999999999"), {}),
        ("send_otp", ("IN", "9999999999"), {}),
        ("send_otp", ("91", ""), {}),
        ("send_otp", ("91", "99999 99999"), {}),
        ("send_otp", ("91", "٩٩٩٩٩٩٩٩٩٩"), {}),
        ("send_otp", ("91", "9999999999&otpLength=8"), {}),
        ("send_otp", ("91", "9999999999"), {"flow_type": "PIGEON"}),
        ("send_otp", ("91", "9999999999"), {"otp_length": 3}),
        ("send_otp", ("91", "9999999999"), {"otp_length": 9}),
        ("send_otp", ("91", "9999999999"), {"otp_length": True}),
        ("validate_otp", ("", "1234"), {}),
        ("validate_otp", ("1234", ""), {}),
        ("validate_otp", ("1234", "\ud800"), {}),
        ("validate_otp", ("1234", 1234), {}),
        ("send_message", ("91", "9999999999", ""), GOOD),
        ("send_message", ("91", "9999999999", "bad \udfff text"), GOOD),
        ("send_message", ("91", "9999999999", "Hello"), {}),
        ("send_message", ("91", "9999999999", "Hello"), GOOD | {"template_id": "t"}),
        ("send_message", ("91", "9999999999", "Hello"), GOOD | {"entity_id": "e"}),
        ("send_message", ("91", "9999999999", "Hello"), GOOD | {"message_type": "SPAM"}),
        ("send_bulk", ([], "Hello"), GOOD),
        ("send_bulk", ([("91", "bad")], "Hello"), GOOD),
        ("send_file", (b"", "Hello"), GOOD),
    ],
)
def test_what_the_document_does_not_allow_is_refused_before_the_wire(
    method: str, arguments: tuple[object, ...], options: dict[str, object]
) -> None:
    with vendor() as mock, pytest.raises(InvalidArgument) as refused:
        getattr(client(), method)(*arguments, **options)
    assert isinstance(refused.value, ValueError)
    assert refused.value.outcome is Outcome.REFUSED
    assert len(mock.calls) == 0


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"customer_id": "C-1"},
        {"password": "p"},
        {"key": "cA=="},
        {"customer_id": "C-1", "password": "p", "key": "cA=="},
        {"token": "two words"},
        {"token": "line\nbreak"},
        {"token": "tökén"},
        {"customer_id": "C-1", "password": "\ud800"},
        {"customer_id": None, "password": "p"},
        {"token": "t", "base_url": "ftp://cpaas.messagecentral.com"},
        {"token": "t", "base_url": "cpaas.messagecentral.com"},
        {"token": "t", "base_url": "https://user:secret@cpaas.messagecentral.com"},
        {"token": "t", "base_url": "https://cpaas.messagecentral.com/?a=1"},
        {"token": "t", "base_url": "https://cpaas.messagecentral.com:99999"},
        {"token": "t", "base_url": "https://[bad"},
        {"token": "t", "base_url": None},
        {"token": "t", "connect_timeout": 0},
        {"token": "t", "read_timeout": float("nan")},
    ],
)
def test_a_client_without_usable_credentials_or_address_is_not_made(options: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument) as refused:
        MessageCentralClient(**options)  # type: ignore[arg-type]
    assert "secret" not in str(refused.value)


def test_no_credentials_come_from_the_users_netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    netrc = f"{tmp_path}/netrc"
    with open(netrc, "w") as file:
        file.write("machine cpaas.messagecentral.com login me password mine\n")
    monkeypatch.setenv("NETRC", netrc)
    with vendor() as mock:
        mock.post(SEND_URL, json=sent(), headers={"Set-Cookie": "a=b"})
        one = client()
        one.send_otp("91", "9999999999")
        one.send_otp("91", "9999999999")
        assert [call.request.url.split("?")[0] for call in mock.calls] == [TOKEN_URL, SEND_URL, SEND_URL]
        for call in mock.calls:
            assert "Authorization" not in call.request.headers
            assert "Cookie" not in call.request.headers
