"""A shop verifies a phone with a code, knowing only the vendor's document."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .conftest import ForeignClient


def code_of(answer: Any) -> int:
    return answer.json()["responseCode"]


def test_a_phone_is_verified_once(client: ForeignClient) -> None:
    sent = client.otp(otpLength=6)
    body = sent.json()
    assert sent.status_code == 200
    assert body["responseCode"] == 200
    assert body["message"] == "SUCCESS"
    data = body["data"]
    assert set(data) == {
        "verificationId", "mobileNumber", "responseCode", "errorMessage", "timeout", "smCLI", "transactionId",
    }  # fmt: skip
    assert data["responseCode"] == "200"
    assert data["mobileNumber"] == "9876543210"
    assert re.fullmatch(r"\d{7,8}", data["verificationId"])
    assert float(data["timeout"]) == 60

    (text,) = client.inbox()
    assert re.fullmatch(r"\d{6}", text["otp"])
    assert text["otp"] in text["text"]
    wrong = str((int(text["otp"]) + 1) % 10**6).zfill(6)
    assert code_of(client.validate(data["verificationId"], wrong)) == 702
    right = client.validate(data["verificationId"], text["otp"]).json()
    assert right["data"]["verificationStatus"] == "VERIFICATION_COMPLETED"
    assert code_of(client.validate(data["verificationId"], text["otp"])) == 703


def test_a_second_code_while_one_lives_earns_506_with_the_living_id(client: ForeignClient) -> None:
    first = client.otp().json()["data"]["verificationId"]
    again = client.otp(flowType="WHATSAPP")
    assert again.status_code == 400
    assert again.json()["responseCode"] == 506
    assert again.json()["message"] == "REQUEST_ALREADY_EXISTS"
    assert again.json()["data"]["verificationId"] == first
    assert len(client.inbox()) == 1


def test_a_code_dies_with_its_timeout_and_then_another_may_go_out(client: ForeignClient) -> None:
    client.control("config", {"otp_timeout": 30})
    sent = client.otp().json()["data"]
    assert float(sent["timeout"]) == 30
    otp = client.inbox()[0]["otp"]
    client.control("clock", {"move": 31})
    assert code_of(client.validate(sent["verificationId"], otp)) == 705
    assert code_of(client.otp()) == 200
    assert len(client.inbox()) == 2


def test_a_verified_phone_may_ask_for_another_code_at_once(client: ForeignClient) -> None:
    sent = client.otp().json()["data"]
    client.validate(sent["verificationId"], client.inbox()[0]["otp"])
    assert code_of(client.otp()) == 200


@pytest.mark.parametrize(
    ("country", "mobile", "flow", "sender"),
    [
        ("91", "9876543210", "SMS", "UTOMOB"),
        ("44", "7400123456", "SMS", "U2 INFO"),
        ("91", "9876543210", "WHATSAPP", "Message Central by U2opia Mobile"),
    ],
)
def test_verify_now_ignores_sender_and_message(
    client: ForeignClient, country: str, mobile: str, flow: str, sender: str
) -> None:
    client.otp(mobile, countryCode=country, flowType=flow, senderId="MYSHOP", message="Buy now", type="OTP")
    (text,) = client.inbox(country + mobile)
    assert text["sender"] == sender
    assert text["channel"] == flow
    assert "Buy now" not in text["text"]


@pytest.mark.parametrize("length", [4, 5, 6, 7, 8])
def test_codes_have_the_length_asked_for(client: ForeignClient, length: int) -> None:
    client.otp(otpLength=length)
    assert len(client.inbox()[0]["otp"]) == length


@pytest.mark.parametrize("length", ["3", "9", "six", "-4", "4.0"])
def test_other_lengths_are_bad_requests(client: ForeignClient, length: str) -> None:
    assert code_of(client.otp(otpLength=length)) == 400
    assert client.inbox() == []


def test_the_default_length_is_four(client: ForeignClient) -> None:
    client.otp()
    assert len(client.inbox()[0]["otp"]) == 4


def test_every_code_of_the_document_can_be_earned(client: ForeignClient) -> None:
    earned = {code_of(client.otp())}
    earned.add(code_of(client.otp()))
    verification = client.otp("9876500001").json()["data"]["verificationId"]
    otp = client.inbox("919876500001")[0]["otp"]
    earned.add(code_of(client.validate(verification, "x")))
    client.validate(verification, otp)
    earned.add(code_of(client.validate(verification, otp)))
    earned.add(code_of(client.validate("99999999", "1234")))
    earned.add(code_of(client.otp("9876500002", customerId="C-NOBODY")))
    earned.add(code_of(client.otp("9876500002", countryCode="999")))
    earned.add(code_of(client.otp("12")))
    earned |= {code_of(client.otp("7999000" + last)) for last in ("409", "500", "800")}
    silent = client.otp("9876500003", flowType="SAUTH").json()["data"]["verificationId"]
    earned.add(code_of(client.validate(silent, "1234")))
    old = client.otp("9876500004").json()["data"]["verificationId"]
    client.control("clock", {"move": 61})
    earned.add(code_of(client.validate(old, "1234")))
    assert earned == {200, 400, 409, 500, 501, 505, 506, 511, 700, 702, 703, 705, 800}


def test_too_many_wrong_codes_end_a_verification(client: ForeignClient) -> None:
    client.control("config", {"max_wrong_codes": 3})
    verification = client.otp().json()["data"]["verificationId"]
    answers = [code_of(client.validate(verification, "wrong")) for _ in range(4)]
    assert answers == [702, 702, 702, 800]
    assert code_of(client.validate(verification, client.inbox()[0]["otp"])) == 800


@pytest.mark.parametrize(
    ("last", "code"), [("505", 505), ("700", 700), ("702", 702), ("703", 703), ("705", 705), ("801", 800)]
)
def test_magic_numbers_that_fail_at_the_code(client: ForeignClient, last: str, code: int) -> None:
    mobile = "7999000" + last
    verification = client.otp(mobile).json()["data"]["verificationId"]
    otp = client.inbox("91" + mobile)[0]["otp"]
    assert code_of(client.validate(verification, otp)) == code


def test_older_clients_use_v2_paths_post_and_extra_parameters(client: ForeignClient) -> None:
    who = {"countryCode": "91", "mobileNumber": "9876543210", "customerId": "C-SANDBOX0000001"}
    sent = client.send("v2/verification/send", flowType="SMS", langid="en", country="IN", **who)
    verification = sent.json()["data"]["verificationId"]
    answer = client.http.post(
        f"{client.base}/verification/v2/verification/validateOtp",
        params={"countryCode": "91", "mobileNumber": "9876543210", "customerId": "C-SANDBOX0000001",
                "flowType": "SMS", "verificationId": verification, "code": client.inbox()[0]["otp"]},
        headers={"authtoken": client.token},
        timeout=10,
    )  # fmt: skip
    assert answer.json()["data"]["verificationStatus"] == "VERIFICATION_COMPLETED"


def test_a_form_body_is_as_good_as_a_query(client: ForeignClient) -> None:
    answer = client.http.post(
        f"{client.base}/verification/v3/send",
        data={"countryCode": "91", "flowType": "SMS", "mobileNumber": "9876543210", "otpLength": 5},
        headers={"authToken": client.token},
        timeout=10,
    )
    assert answer.json()["responseCode"] == 200
    assert len(client.inbox()[0]["otp"]) == 5
