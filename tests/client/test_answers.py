"""What the vendor and everything in front of it may answer, and what each answer means."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from django_messagecentral import exceptions as errors
from django_messagecentral.client import ResponseCode, SendResult, ValidateResult
from django_messagecentral.client.answers import Answer, read_answer
from django_messagecentral.client.codes import Operation
from django_messagecentral.client.fields import as_int, as_seconds, as_text
from django_messagecentral.client.message_now import read_send
from django_messagecentral.client.outcomes import TABLE
from django_messagecentral.client.verify_now import read_validation
from django_messagecentral.exceptions import MessageCentralError, Outcome

from .vendor import SEND_URL, TOKEN_URL, VALIDATE_URL, client, refused, sent, validated, vendor

STAYED, REFUSED, LEFT = Outcome.NEVER_LEFT, Outcome.REFUSED, Outcome.MAY_HAVE_LEFT


def failure_of(answer: dict[str, Any], operation: str = "message") -> MessageCentralError:
    """The error that ``answer`` (arguments for the ``responses`` library) becomes over the whole client."""
    with vendor() as mock:
        mock.add(responses.GET if operation == "validate" else responses.POST, url_of(operation), **answer)
        with pytest.raises(MessageCentralError) as failed:
            act(operation)
    return failed.value


def url_of(operation: str) -> str:
    return VALIDATE_URL if operation == "validate" else SEND_URL


def act(operation: str) -> object:
    one = client()
    if operation == "otp":
        return one.send_otp("91", "9999999999")
    if operation == "validate":
        return one.validate_otp("2949", "1476")
    return one.send_message("91", "9999999999", "Hello", sender_id="UTOMOB")


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("as_string", [False, True])
@pytest.mark.parametrize(
    ("code", "kind", "message", "otp", "validate"),
    [
        (400, errors.BadRequest, REFUSED, REFUSED, REFUSED),
        (409, errors.DuplicateResource, LEFT, LEFT, LEFT),
        (500, errors.ServerError, LEFT, LEFT, LEFT),
        (501, errors.InvalidCustomerId, REFUSED, REFUSED, REFUSED),
        (505, errors.InvalidVerificationId, LEFT, LEFT, REFUSED),
        (506, errors.RequestAlreadyExists, LEFT, REFUSED, LEFT),
        (511, errors.InvalidCountryCode, REFUSED, REFUSED, REFUSED),
        (700, errors.VerificationFailed, LEFT, LEFT, REFUSED),
        (702, errors.WrongOtp, LEFT, LEFT, REFUSED),
        (703, errors.AlreadyVerified, LEFT, LEFT, REFUSED),
        (705, errors.VerificationExpired, LEFT, LEFT, REFUSED),
        (800, errors.MaximumLimitReached, STAYED, STAYED, REFUSED),
        (999, errors.UnknownResponseCode, LEFT, LEFT, LEFT),
        (429, errors.RateLimited, STAYED, STAYED, STAYED),
    ],
)
def test_each_response_code_is_its_own_error_and_outcome(
    code: int,
    kind: type[MessageCentralError],
    message: Outcome,
    otp: Outcome,
    validate: Outcome,
    status: int,
    as_string: bool,
) -> None:
    body = refused(str(code) if as_string else code, "NAME")
    for operation, outcome in (("message", message), ("otp", otp), ("validate", validate)):
        error = failure_of({"json": body, "status": status}, operation)
        assert type(error) is kind
        assert (error.code, error.http_status, error.outcome) == (code, status, outcome)
        assert error.safe_to_retry is (outcome is STAYED)
        assert error.user_message


def test_the_table_has_every_code_of_the_document_but_success() -> None:
    assert set(TABLE) == set(ResponseCode) - {ResponseCode.SUCCESS}
    assert len(ResponseCode) == 13


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("verification_id", ["77123456", 77123456, 77123456.0])
def test_a_506_brings_the_living_verification(status: int, verification_id: object) -> None:
    body = refused(506, "REQUEST_ALREADY_EXISTS", verificationId=verification_id, transactionId=None)
    error = failure_of({"json": body, "status": status}, "otp")
    assert isinstance(error, errors.RequestAlreadyExists)
    assert (error.verification_id, error.transaction_id, error.outcome) == ("77123456", None, REFUSED)


@pytest.mark.parametrize(
    "body",
    [
        {
            "responseCode": 200,
            "message": "SUCCESS",
            "data": {"responseCode": "506", "errorMessage": "EXISTS"},
        },
        {"responseCode": 400, "message": "BAD", "data": {"responseCode": 506}},
        {"message": "EXISTS", "data": {"responseCode": "506"}},
        {"responseCode": "506.0"},
    ],
)
def test_the_code_inside_data_is_the_second_place_to_look(body: dict[str, object]) -> None:
    assert isinstance(failure_of({"json": body}, "otp"), errors.RequestAlreadyExists)


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        ({"body": "<html>502 Bad Gateway</html>", "status": 502}, errors.GatewayError, LEFT),
        ({"body": "", "status": 503}, errors.GatewayError, LEFT),
        ({"body": "<html>", "status": 504}, errors.GatewayError, LEFT),
        ({"body": "<html>", "status": 500}, errors.ServerError, LEFT),
        (
            {"json": {"error": "Internal Server Error", "status": 500}, "status": 500},
            errors.ServerError,
            LEFT,
        ),
        ({"json": refused(511), "status": 500}, errors.InvalidCountryCode, LEFT),
        ({"json": sent(), "status": 500}, errors.ServerError, LEFT),
        ({"body": "<html>not found</html>", "status": 404}, errors.UnreadableAnswer, LEFT),
        ({"body": "<!DOCTYPE html><p>maintenance", "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"body": "", "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"body": '{"responseCode": 200, "da', "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"body": b"\xff\xfe\x00", "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"body": "[" * 100_000, "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"body": "[]", "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"body": "200", "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"body": "null", "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"json": {}, "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"json": {"responseCode": [200]}, "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"json": {"responseCode": True}, "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"json": {"responseCode": 200, "data": "OK"}, "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"json": sent(), "status": 404}, errors.UnreadableAnswer, LEFT),
        ({"json": {"error": "Not Found", "status": 404}, "status": 404}, errors.UnknownResponseCode, LEFT),
        ({"json": {"error": "no"}, "status": 400}, errors.BadRequest, REFUSED),
        ({"body": "x" * (1024 * 1024 + 1), "status": 200}, errors.UnreadableAnswer, LEFT),
        ({"body": "not gzip", "headers": {"Content-Encoding": "gzip"}}, errors.UnreadableAnswer, LEFT),
        ({"status": 301, "headers": {"Location": SEND_URL + "/"}}, errors.UnreadableAnswer, LEFT),
        ({"status": 307, "headers": {"Location": "https://evil.example/"}}, errors.UnreadableAnswer, LEFT),
        ({"json": sent(), "status": 302}, errors.UnreadableAnswer, LEFT),
        ({"body": "slow down", "status": 429}, errors.RateLimited, STAYED),
        ({"json": refused(800), "status": 429}, errors.MaximumLimitReached, STAYED),
    ],
)
def test_odd_answers_are_one_clear_error(
    answer: dict[str, Any], kind: type[MessageCentralError], outcome: Outcome
) -> None:
    error = failure_of(answer)
    assert type(error) is kind
    assert error.outcome is outcome
    assert error.http_status == answer.get("status", 200)


def test_a_redirect_is_never_followed() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, status=308, headers={"Location": "https://evil.example/"})
        evil = mock.post("https://evil.example/", json=sent())
        with pytest.raises(errors.UnreadableAnswer, match="redirect"):
            act("message")
        assert evil.call_count == 0


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("30", 30.0),
        (" 0 ", 0.0),
        ("999999999999", 86400.0),
        ("Fri, 01 Jan 1999 00:00:00 GMT", 0.0),
        ("Fri, 01 Jan 2999 00:00:00 GMT", 86400.0),
        ("-5", None),
        ("soon", None),
        ("²", None),
        ("Fri, 99 Jan 2999 00:00:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after(header: str, expected: float | None) -> None:
    from django_messagecentral.client.http import parse_retry_after

    assert parse_retry_after(header) == expected


def test_retry_after_reaches_the_error() -> None:
    assert failure_of({"status": 429, "headers": {"Retry-After": "7"}}).retry_after == 7.0


@pytest.mark.parametrize(
    ("trust", "headers", "outcome"),
    [(True, {"Retry-After": "1"}, STAYED), (True, {}, LEFT), (False, {"Retry-After": "1"}, LEFT)],
)
def test_a_503_with_retry_after_is_trusted_only_when_a_setting_says_so(
    trust: bool, headers: dict[str, str], outcome: Outcome
) -> None:
    with vendor() as mock:
        mock.post(SEND_URL, status=503, headers=headers)
        with pytest.raises(errors.GatewayError) as failed:
            client(retry_after_503_never_left=trust).send_otp("91", "9999999999")
    assert failed.value.outcome is outcome


# -- successes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            sent()["data"],
            SendResult("1234", "1c9c56ec-5cd3-48b5-9e32-a15499fb77a2", "9999999999", 30.0, None),
        ),
        (
            {"verificationId": 77123456, "timeout": "60", "smCLI": "UTOMOB", "mobileNumber": 9999999999},
            SendResult("77123456", None, "9999999999", 60.0, "UTOMOB"),
        ),
        (
            {"verificationId": "1", "timeout": 60, "smsCLI": "U2 INFO"},
            SendResult("1", timeout=60.0, sms_cli="U2 INFO"),
        ),
        ({"timeout": "soon", "verificationId": {"a": 1}, "transactionId": []}, SendResult()),
        ({"timeout": "-1"}, SendResult()),
        ({"timeout": "NaN"}, SendResult()),
        ({}, SendResult()),
        (None, SendResult()),
    ],
)
@pytest.mark.parametrize("code", [200, "200", 200.0, "200.0"])
def test_successes_are_read_leniently(data: object, expected: SendResult, code: object) -> None:
    with vendor() as mock:
        mock.post(SEND_URL, json={"responseCode": code, "message": "SUCCESS", "data": data})
        assert client().send_otp("91", "9999999999") == expected


def test_a_success_may_be_any_2xx_with_a_byte_order_mark() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, body=b"\xef\xbb\xbf" + json.dumps(sent()).encode(), status=201)
        assert client().send_otp("91", "9999999999").verification_id == "1234"


@pytest.mark.parametrize(
    ("data", "kind", "outcome"),
    [
        ({"verificationStatus": "VERIFICATION_PENDING"}, errors.VerificationFailed, REFUSED),
        ({"verificationStatus": "verification_completed"}, errors.VerificationFailed, REFUSED),
        ({"verificationStatus": ""}, errors.UnreadableAnswer, LEFT),
        ({"verificationStatus": None}, errors.UnreadableAnswer, LEFT),
        ({"verificationStatus": True}, errors.UnreadableAnswer, LEFT),
        ({"responseCode": "702", "verificationStatus": "VERIFICATION_COMPLETED"}, errors.WrongOtp, REFUSED),
    ],
)
def test_a_success_code_alone_verifies_nobody(
    data: dict[str, object], kind: type[MessageCentralError], outcome: Outcome
) -> None:
    error = failure_of({"json": validated(**data)}, "validate")
    assert (type(error), error.outcome) == (kind, outcome)


# -- whatever comes ------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("200"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "responseCode",
                    "data",
                    "status",
                    "message",
                    "error",
                    "errorMessage",
                    "verificationId",
                    "verificationStatus",
                    "timeout",
                    "transactionId",
                    "mobileNumber",
                    "smsCLI",
                    "token",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "responseCode": st.sampled_from([*ResponseCode, "200", "506", 401, 10**40, "x"]) | json_values,
        "status": st.sampled_from([200, 400, "OK"]) | json_values,
        "message": json_values,
        "error": json_values,
        "data": json_values,
        "token": json_values,
    },
)
bodies = st.one_of(st.binary(max_size=200), json_values.map(json.dumps).map(str.encode)) | envelopes.map(
    lambda value: json.dumps(value).encode()
)


def result_or_error(act: Callable[[], object]) -> Any:
    try:
        return act()
    except MessageCentralError as error:
        return error


@settings(max_examples=500)
@given(
    bodies,
    st.integers(100, 599) | st.sampled_from([200, 400, 401, 500]),
    st.sampled_from(Operation),
    st.booleans(),
)
def test_any_bytes_with_any_status_are_a_result_or_one_of_our_errors(
    body: bytes, status: int, operation: Operation, broken: bool
) -> None:
    def read() -> object:
        envelope = read_answer(Answer(status, body, broken=broken), operation)
        return read_validation(envelope) if operation is Operation.VALIDATE else read_send(envelope)

    result = result_or_error(read)
    if isinstance(result, MessageCentralError):
        assert isinstance(result.outcome, Outcome)
        assert result.outcome is not Outcome.ACCEPTED
        assert operation is not Operation.TOKEN or result.outcome is Outcome.NEVER_LEFT
        assert str(result)
        assert pickle.loads(pickle.dumps(result)).__dict__ == result.__dict__
    else:
        assert 200 <= status < 300
        assert not broken
        assert isinstance(result, SendResult | ValidateResult)
        for name in ("verification_id", "transaction_id", "mobile_number"):
            assert getattr(result, name) is None or isinstance(getattr(result, name), str)


@settings(max_examples=60, deadline=None)
@given(bodies, st.integers(200, 599))
def test_any_answer_to_the_token_call_leaves_nothing_in_doubt(body: bytes, status: int) -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(TOKEN_URL, body=body, status=status)
        mock.post(SEND_URL, json=sent())
        result = result_or_error(lambda: client().send_otp("91", "9999999999"))
    assert isinstance(result, SendResult) or result.outcome is Outcome.NEVER_LEFT


@given(st.text() | st.integers() | st.floats() | st.none() | st.booleans() | st.lists(st.integers()))
def test_single_fields_never_fail(value: object) -> None:
    assert as_int(value) is None or isinstance(as_int(value), int)
    assert as_seconds(value) is None or as_seconds(value) >= 0  # type: ignore[operator]
    found = as_text(value)
    assert found is None or found.encode()
