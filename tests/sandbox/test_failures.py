"""Each way a vendor can fail is at hand, by a number or by a share of all sends."""

from __future__ import annotations

import time

import phonenumbers
import pytest
import requests

from django_messagecentral.sandbox import SandboxServer
from django_messagecentral.sandbox.magic import FAILURES, TABLE

from .conftest import ForeignClient


def received(client: ForeignClient, last: str) -> int:
    return len(client.inbox("917999000" + last))


def test_every_magic_number_is_a_valid_mobile_and_listed(client: ForeignClient) -> None:
    listed = client.http.get(client.base + "/_sandbox/magic", timeout=5).json()
    assert len(listed) == len({entry["mobile"] for entry in listed}) == len(TABLE)
    for entry in listed:
        assert phonenumbers.is_valid_number(phonenumbers.parse("+" + entry["mobile"]))


@pytest.mark.parametrize(
    ("last", "http", "code"),
    [("400", 400, 400), ("409", 400, 409), ("500", 500, 500), ("501", 400, 501), ("506", 400, 506),
     ("511", 400, 511),
     ("800", 400, 800), ("609", 200, 999)],
)  # fmt: skip
def test_refusals_by_code(client: ForeignClient, last: str, http: int, code: int) -> None:
    for send in (client.sms, client.otp):
        answer = send("7999000" + last)
        assert (answer.status_code, answer.json()["responseCode"]) == (http, code)
    assert received(client, last) == 0


@pytest.mark.parametrize(
    ("last", "texts"), [("401", 0), ("403", 0), ("429", 0), ("502", 0), ("503", 0), ("504", 1)]
)
def test_gateway_statuses(client: ForeignClient, last: str, texts: int) -> None:
    answer = client.sms("7999000" + last)
    assert answer.status_code == int(last)
    assert ("Retry-After" in answer.headers) == (last in ("429", "503"))
    assert ("<html>" in answer.text) == (last in ("502", "503", "504"))
    assert received(client, last) == texts


def test_answers_that_are_no_answers(client: ForeignClient) -> None:
    assert "<html>" in client.sms("7999000600").text
    assert client.sms("7999000606").headers["Location"] == "/login"
    assert client.sms("7999000607").json()["responseCode"] == [200]
    assert client.sms("7999000608").content == b""


@pytest.mark.parametrize(("last", "texts"), [("602", 0), ("603", 1)])
def test_a_reset_connection(client: ForeignClient, last: str, texts: int) -> None:
    with pytest.raises(requests.ConnectionError, match=r"reset|104"):
        client.sms("7999000" + last)
    assert received(client, last) == texts


def test_half_a_json(client: ForeignClient) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        client.sms("7999000601")
    assert received(client, "601") == 1


@pytest.mark.parametrize(("last", "texts"), [("604", 0), ("605", 1)])
def test_a_stall_ends_in_a_reset(
    sandbox: SandboxServer, client: ForeignClient, last: str, texts: int
) -> None:
    sandbox.configure(stall_seconds=0.4)
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        client.sms("7999000" + last)
    assert time.monotonic() - started >= 0.4
    assert received(client, last) == texts


def test_one_magic_number_fails_a_whole_list(client: ForeignClient) -> None:
    numbers = "91 9816111111,91 7999000400,91 9816111112"
    answer = client.send(type="SMS", flowType="SMS", senderId="S", message="m", phoneNumbers=numbers)
    assert answer.json()["responseCode"] == 400
    assert client.inbox("919816111111") == []


def test_a_share_of_sends_fails_and_the_rest_goes_out(sandbox: SandboxServer, client: ForeignClient) -> None:
    sandbox.configure(errors={"http429": 0.3, "400": 0.2})
    statuses = [client.sms(f"98765{number:05d}").status_code for number in range(200)]
    assert 35 <= statuses.count(429) <= 85
    assert 20 <= statuses.count(400) <= 65
    stats = sandbox.stats()
    assert stats["texts_received"] == statuses.count(200) == stats["sends"]["accepted"]
    assert stats["sends"]["by_failure"] == {"400": statuses.count(400), "http429": statuses.count(429)}
    assert stats["sends"]["calls"] == 200


def test_every_failure_can_be_a_share(sandbox: SandboxServer, client: ForeignClient) -> None:
    sandbox.configure(stall_seconds=0.01)
    for number, failure in enumerate(FAILURES):
        sandbox.configure(errors={failure: 1.0})
        try:
            client.sms(f"98765{number:05d}")
        except requests.RequestException:
            continue
    assert set(sandbox.stats()["sends"]["by_failure"]) == set(FAILURES)


def test_latency_is_drawn_from_a_distribution(sandbox: SandboxServer, client: ForeignClient) -> None:
    sandbox.configure(latency={"uniform": [0.05, 0.15]})
    times = []
    for number in range(10):
        started = time.monotonic()
        client.sms(f"98765{number:05d}")
        times.append(time.monotonic() - started)
    assert min(times) >= 0.05
    assert len({round(taken, 3) for taken in times}) > 3


def test_the_documented_profile_answers_otherwise(sandbox: SandboxServer, client: ForeignClient) -> None:
    assert client.otp().json()["data"]["timeout"] == "60.0"
    sandbox.configure(profile="documented")
    refused = client.otp()
    assert refused.status_code == 200
    assert refused.json()["responseCode"] == 506
    assert refused.json()["data"]["verificationId"] is None
    sent = client.otp("9816111111").json()["data"]
    assert sent["timeout"] == "60"
    assert client.sms("9816111112").json()["data"]["timeout"] == "60.0"
    otp = client.inbox("919816111111")[0]["otp"]
    assert (
        client.validate(sent["verificationId"], otp).json()["data"]["transactionId"] == sent["transactionId"]
    )


def test_an_http_500_after_the_text_went_out(client: ForeignClient) -> None:
    answer = client.sms("7999000599")
    assert (answer.status_code, answer.json()["error"]) == (500, "Internal Server Error")
    assert received(client, "599") == 1


@pytest.mark.parametrize(("last", "counted"), [("610", True), ("611", False)])
def test_the_answer_to_a_code_is_lost(
    client: ForeignClient, sandbox: SandboxServer, last: str, counted: bool
) -> None:
    verification = client.otp("7999000" + last).json()["data"]["verificationId"]
    code = client.inbox("917999000" + last)[0]["otp"]
    with pytest.raises(requests.ConnectionError):
        client.validate(verification, code)
    assert sandbox.state.verifications[verification].verified is counted


def test_validations_and_tokens_break_down_by_shares(client: ForeignClient, sandbox: SandboxServer) -> None:
    verification = client.otp("7999000612").json()["data"]["verificationId"]
    assert client.validate(verification, "1").headers["Retry-After"] == "2"
    html = client.otp("7999000613").json()["data"]["verificationId"]
    assert "<html>" in client.validate(html, "1").text
    sandbox.configure(validate_errors={"http502": 0.5}, token_errors={"http503": 1})
    verification = client.otp().json()["data"]["verificationId"]
    statuses = [client.validate(verification, "wrong").status_code for _ in range(8)]
    assert 0 < statuses.count(502) < 8
    assert sandbox.stats()["validations"]["by_failure"]["http502"] == statuses.count(502)
    url = client.base + "/auth/v1/authentication/token?customerId=C-SANDBOX0000001&key=c2FuZGJveA=="
    assert client.http.get(url, timeout=5).status_code == 503


def test_latency_is_for_every_answer_of_the_vendor(client: ForeignClient, sandbox: SandboxServer) -> None:
    verification = client.otp().json()["data"]["verificationId"]
    sandbox.configure(latency=0.1)
    for call in (lambda: client.validate(verification, "wrong"), client.otp, client.login):
        started = time.monotonic()
        call()
        assert time.monotonic() - started >= 0.1
    started = time.monotonic()
    client.inbox()
    assert time.monotonic() - started < 0.1
