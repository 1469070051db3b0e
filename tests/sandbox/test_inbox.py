"""The inbox as pages: safe whatever a text holds, secrets masked."""

from __future__ import annotations

import html
import io
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from django_messagecentral.sandbox import SandboxServer
from django_messagecentral.sandbox.html import tag
from django_messagecentral.sandbox.masking import masked_body, masked_target
from django_messagecentral.sandbox.texts import encoding, segments

from .conftest import ForeignClient


def page(client: ForeignClient, path: str = "/") -> str:
    answer = client.http.get(client.base + "/_sandbox" + path, timeout=5)
    assert answer.status_code == 200
    return answer.text


def test_every_page_forbids_inline_code_and_has_none(client: ForeignClient) -> None:
    client.otp()
    for path in ("/", "/?mobile=919876543210", "/message?id=1", "/tools", "/?q=otp"):
        answer = client.http.get(client.base + "/_sandbox" + path, timeout=5)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "<style" not in answer.text
        assert " style=" not in answer.text
        assert " onclick" not in answer.text
        assert answer.text.count("<script") == answer.text.count('.js" defer>') == 1
        assert "http-equiv" not in answer.text


def test_a_text_is_shown_not_executed(client: ForeignClient) -> None:
    evil = "<script>alert(1)</script>\"'&<b>"
    client.sms(message=evil, senderId="<i>x")
    for path in ("/", "/message?id=1", "/?q=" + "%3Cscript%3E"):
        text = page(client, path)
        assert "<script>alert" not in text
        assert "<i>x" not in text
        assert "&lt;script&gt;" in text


def test_secrets_of_a_request_are_masked(client: ForeignClient) -> None:
    client.sms(key="topsecret1", password="topsecret2")
    body = {
        "flowType": "SMS",
        "mobileNumber": "+919816111111",
        "messageText": "x",
        "senderId": "S",
        "password": "topsecret3",
    }
    login = {"customerId": "C-SANDBOX0000001", "password": "sandbox", "Authorization": "Basic topsecret4"}
    client.http.post(client.base + "/partners/central/api/saveSingleSms", json=body, headers=login, timeout=5)
    for number in (1, 2):
        text = page(client, f"/message?id={number}")
        assert "topsecret" not in text
        assert client.token not in text
        assert ">sandbox<" not in text
        assert "***" in text


@pytest.mark.parametrize("rows", [1, 6000])
def test_an_uploaded_sheet_is_described_and_its_fields_shown(client: ForeignClient, rows: int) -> None:
    """Also when the body is longer than what is kept of it."""
    book = Workbook()
    book.active.append(("Country", "Mobile", "var1"))
    for number in range(rows):
        book.active.append((91, 9800000000 + number, f"Person {random.Random(number).random()}"))
    file = io.BytesIO()
    book.save(file)
    client.http.post(
        client.base + "/verification/v3/send",
        data={
            "type": "SMS",
            "flowType": "SMS",
            "senderId": "SHOPIN",
            "message": "Hello ##var##",
            "password": "topsecret",
        },
        files={"file": ("people.xlsx", file.getvalue())},
        headers={"authToken": client.token},
        timeout=20,
    )
    assert (len(file.getvalue()) > 65_536) == (rows > 1)
    text = html.unescape(page(client, "/message?id=1"))
    assert "Hello ##var##" in text
    assert "bytes)" in text
    assert "topsecret" not in text
    assert "--form 'message=Hello ##var##'" in text
    assert "--form file=@recipients.xlsx" in text
    assert "multipart/form-data; boundary" not in text.partition("curl --request")[2]


def test_a_form_is_shown_field_by_field(client: ForeignClient) -> None:
    client.http.post(
        client.base + "/verification/v3/send",
        data={"countryCode": "91", "flowType": "SMS", "mobileNumber": "9876543210", "key": "topsecret"},
        headers={"authToken": client.token},
        timeout=5,
    )
    text = html.unescape(page(client, "/message?id=1"))
    assert "<td><code>9876543210</code></td>" in text
    assert "topsecret" not in text


@given(st.text(), st.sampled_from(["key", "password", "authToken", "token"]))
def test_a_secret_never_shines_through(rest: str, name: str) -> None:
    assert "s3cr3t" not in masked_target(f"/x?{name}=s3cr3t&a=" + rest.replace("s3cr3t", ""))
    assert "s3cr3t" not in masked_body(
        json.dumps({name: 's3cr3t"\\s3cr3t', "a": rest.replace("s3cr3t", "")}).encode()
    )


def test_a_search_finds_numbers_and_words(client: ForeignClient) -> None:
    client.sms("9876543210", "Your pizza is on its way")
    client.sms("9816111111", "Your taxi is here")
    assert "98161 11111" not in page(client, "/?q=PIZZA")
    assert "98765 43210" not in page(client, "/?q=%2B91%2098161")
    assert "98161 11111" in page(client, "/?q=%2B91%2098161")
    assert "No text matches" in page(client, "/?q=submarine")


def test_an_empty_sandbox_says_what_to_expect(client: ForeignClient) -> None:
    assert "No texts yet" in page(client)


def test_a_text_that_is_not_there(client: ForeignClient) -> None:
    assert client.http.get(client.base + "/_sandbox/message?id=7", timeout=5).status_code == 404
    assert client.http.get(client.base + "/_sandbox/message?id=seven", timeout=5).status_code == 400


def test_buttons_work_without_a_script(client: ForeignClient, sandbox: SandboxServer) -> None:
    client.sms()
    sandbox.wait_for_callbacks()
    press = {"action": "report", "message": "1", "status": "UNDELIV"}
    answer = client.http.post(client.base + "/_sandbox/do", data=press, timeout=5)
    assert answer.url.endswith("/_sandbox/message?id=1")
    sandbox.wait_for_callbacks()
    assert client.inbox()[0]["status"] == "UNDELIV"
    client.http.post(client.base + "/_sandbox/do", data=press | {"status": "repeat"}, timeout=5)
    assert (
        client.http.post(client.base + "/_sandbox/do", data={"action": "explode"}, timeout=5).status_code
        == 400
    )
    assert sandbox.stats()["callbacks"]["planned"] == 3


@pytest.mark.parametrize(
    ("text", "alphabet", "parts"),
    [
        ("a" * 160, "GSM-7", 1), ("a" * 161, "GSM-7", 2), ("a" * 306, "GSM-7", 2), ("a" * 307, "GSM-7", 3),
        ("€" * 80, "GSM-7", 1), ("€" * 81, "GSM-7", 2), ("é", "GSM-7", 1), ("ê" * 70, "UCS-2", 1),
        ("ê" * 71, "UCS-2", 2), ("🚚" * 35, "UCS-2", 1), ("🚚" * 36, "UCS-2", 2),
    ],
)  # fmt: skip
def test_segments(text: str, alphabet: str, parts: int) -> None:
    assert encoding(text)[0] == alphabet
    assert segments(text) == parts


@given(st.text(), st.text())
def test_tags_escape_everything(child: str, value: str) -> None:
    made = tag("p", child, title=value)
    assert made.count("<") == made.count(">") == 2
