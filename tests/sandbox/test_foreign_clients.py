"""Clients in other languages work by the base URL alone: curl as in the document, and node's fetch."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from django_messagecentral.sandbox import SandboxServer

from .conftest import ForeignClient


def curl(*arguments: str) -> Any:
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "10", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.fixture
def token(sandbox: SandboxServer) -> str:
    answer = curl(
        "--location",
        f"{sandbox.url}/auth/v1/authentication/token?customerId=C-SANDBOX0000001&key=c2FuZGJveA==&scope=NEW&country=91",
        "--header",
        "accept: */*",
    )
    assert answer["status"] == 200
    return str(answer["token"])


def test_curl_as_in_the_document(sandbox: SandboxServer, token: str) -> None:
    base, header = sandbox.url, f"authToken: {token}"
    send = f"{base}/verification/v3/send?countryCode=91&flowType=SMS&mobileNumber=9999999999"
    sent = curl("--location", "--request", "POST", send, "--header", header)
    assert sent["responseCode"] == 200
    otp = sandbox.messages("919999999999")[0]["otp"]
    validate = (
        f"{base}/verification/v3/validateOtp?&verificationId={sent['data']['verificationId']}&code={otp}"
    )
    assert (
        curl("--location", validate, "--header", header)["data"]["verificationStatus"]
        == "VERIFICATION_COMPLETED"
    )


def test_curl_sends_a_workbook(sandbox: SandboxServer, token: str, tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(("Country", "Mobile", "var1"))
    for number in range(3000):
        book.active.append((91, 9800000000 + number, f"Person {number}"))
    book.save(tmp_path / "people.xlsx")
    sent = curl(
        "--header", f"authToken: {token}", "--header", "Expect: 100-continue",
        "--form", f"file=@{tmp_path / 'people.xlsx'}", "--form", "message=Hello ##var##",
        "--form", "type=SMS", "--form", "flowType=SMS", "--form", "senderId=SHOPIN",
        f"{sandbox.url}/verification/v3/send",
    )  # fmt: skip
    assert sent["responseCode"] == 200
    assert sandbox.stats()["texts_received"] == 3000
    assert sandbox.messages("919800002999")[0]["text"] == "Hello Person 2999"


def test_curl_may_send_chunks(sandbox: SandboxServer, token: str) -> None:
    sent = curl(
        "--header", f"authToken: {token}", "--header", "Transfer-Encoding: chunked",
        "--data-urlencode", "message=Grüße & mehr", "--data", "type=SMS&flowType=SMS&senderId=S",
        "--data", "countryCode=49&mobileNumber=15112345678", f"{sandbox.url}/verification/v3/send",
    )  # fmt: skip
    assert sent["responseCode"] == 200
    assert sandbox.messages("4915112345678")[0]["text"] == "Grüße & mehr"


def test_the_inbox_s_curl_repeats_the_request(sandbox: SandboxServer, token: str) -> None:
    client = ForeignClient(sandbox.url)
    client.token = token
    client.sms(message="It's 5 o'clock; $HOME & `ls`")
    page = client.http.get(f"{sandbox.url}/_sandbox/message?id=1", timeout=5).text
    client.http.close()
    command = html.unescape(re.search(r'data-copy="(curl[^"]+)"', page)[1]).replace(
        "authToken: ***", f"authToken: {token}"
    )
    assert token not in page
    subprocess.run(["sh", "-c", command], check=True, capture_output=True, timeout=10)
    texts = [message["text"] for message in sandbox.messages()]
    assert texts == ["It's 5 o'clock; $HOME & `ls`"] * 2


NODE = """
const base = process.argv[1];
const key = Buffer.from("sandbox").toString("base64");
const auth = await (await fetch(`${base}/auth/v1/authentication/token?country=IN&customerId=C-SANDBOX0000001&key=${key}&scope=NEW`)).json();
const headers = { authToken: auth.token };
const sent = await (await fetch(
  `${base}/verification/v2/verification/send?countryCode=91&customerId=C-SANDBOX0000001&flowType=SMS&mobileNumber=9876543210&otpLength=6`,
  { method: "POST", headers })).json();
const again = await fetch(`${base}/verification/v3/send?countryCode=91&flowType=SMS&mobileNumber=9876543210`, { method: "POST", headers });
const inbox = await (await fetch(`${base}/_sandbox/messages?mobile=919876543210`)).json();
const form = new FormData();
for (const [name, value] of Object.entries({ type: "SMS", flowType: "WHATSAPP", message: "नमस्ते", phoneNumbers: "91 9816111111" })) form.set(name, value);
const message = await (await fetch(`${base}/verification/v3/send`, { method: "POST", headers, body: form })).json();
const done = await (await fetch(
  `${base}/verification/v2/verification/validateOtp?countryCode=91&mobileNumber=9876543210&verificationId=${sent.data.verificationId}` +
  `&customerId=C-SANDBOX0000001&code=${inbox[0].otp}`, { headers })).json();
console.log(JSON.stringify({ sent: sent.responseCode, again: again.status, message: message.responseCode, status: done.data.verificationStatus }));
"""  # noqa: E501


def test_node_fetch(sandbox: SandboxServer) -> None:
    done = subprocess.run(
        ["node", "--input-type=module", "-e", NODE, sandbox.url],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "sent": 200,
        "again": 400,
        "message": 200,
        "status": "VERIFICATION_COMPLETED",
    }
    assert sandbox.messages("919816111111")[0]["text"] == "नमस्ते"


def test_a_crm_sends_one_text(sandbox: SandboxServer) -> None:
    body = {"flowType": "SMS", "type": "SMS", "mobileNumber": "+919876543210"}
    body |= {"messageText": "Welcome", "senderId": "UTOMOB", "mid": "m-1"}
    headers = [
        "customerId: C-SANDBOX0000001",
        "email: a@b.example",
        "password: sandbox",
        "account: 6K9",
        "Content-Type: application/json",
    ]
    pairs = [part for header in headers for part in ("--header", header)]
    url = f"{sandbox.url}/partners/central/api/saveSingleSms"
    assert curl(*pairs, "--data", json.dumps(body), url)["responseCode"] == 200
    assert sandbox.messages("919876543210")[0]["text"] == "Welcome"
    wrong = [part.replace("password: sandbox", "password: guess") for part in pairs]
    assert curl(*wrong, "--data", json.dumps(body), url)["responseCode"] == 501
    assert curl(*pairs, "--data", "not json", url)["responseCode"] == 400
    assert curl(*pairs, "--data", json.dumps(body | {"mobileNumber": "0000"}), url)["responseCode"] == 511
    assert sandbox.stats()["texts_received"] == 1
    page = curl(f"{sandbox.url}/_sandbox/messages")
    assert page[0]["kind"] == "crm"
