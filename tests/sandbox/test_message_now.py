"""Own texts to one phone, to a list and from a sheet; delivery comes back."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from openpyxl import Workbook

from django_messagecentral.sandbox import SandboxServer

from .conftest import ForeignClient


class Site:
    """A site's webhook on the standard library. ``answers``: the statuses it gives, in order."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.answers: list[int] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                site.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(site.answers.pop(0) if site.answers else 200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def site(sandbox: SandboxServer) -> Iterator[Site]:
    made = Site()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    sandbox.configure(callback_url=made.url)
    yield made
    sandbox.configure(callback_url=None)
    made.server.shutdown()
    made.server.server_close()


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_one_text_goes_out_as_written(client: ForeignClient) -> None:
    answer = client.sms(message="Hello Asha & co, 50% off: ₹99").json()
    assert answer["responseCode"] == 200
    assert "smsCLI" in answer["data"]
    (text,) = client.inbox()
    assert text["text"] == "Hello Asha & co, 50% off: ₹99"
    assert text["otp"] is None
    assert text["sender"] == "SHOPIN"
    assert text["segments"] == 1
    assert text["message_type"] == "OTP"
    assert text["transaction_id"] == answer["data"]["transactionId"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"templateId": "1"}, {"entityId": "1"}, {"messageType": "SPAM"}, {"message": " "}, {"senderId": ""},
        {"flowType": "PIGEON"}, {"flowType": ""}, {"mobileNumber": "98765 43210"}, {"type": "MMS"},
        {"countryCode": ""},
    ],
)  # fmt: skip
def test_rules_of_the_document_are_kept(client: ForeignClient, wrong: dict[str, str]) -> None:
    assert client.sms(**wrong).json()["responseCode"] == 400
    assert client.inbox() == []


def test_template_and_entity_together_are_right(client: ForeignClient) -> None:
    assert client.sms(templateId="1", entityId="2", messageType="promotional").json()["responseCode"] == 200


def test_a_list_shares_one_id_and_each_phone_gets_the_text(client: ForeignClient) -> None:
    answer = client.http.post(
        client.base + "/verification/v3/send",
        data={"type": "SMS", "flowType": "SMS", "senderId": "SHOPIN", "message": "Sale",
              "phoneNumbers": "91 9816111111, 91 7715131105,1 2025550123"},
        headers={"authToken": client.token}, timeout=10,
    ).json()  # fmt: skip
    assert answer["responseCode"] == 200
    for mobile in ("919816111111", "917715131105", "12025550123"):
        (text,) = client.inbox(mobile)
        assert text["transaction_id"] == answer["data"]["transactionId"]


def test_one_bad_number_refuses_the_whole_list(client: ForeignClient) -> None:
    answer = client.send(
        type="SMS", flowType="SMS", senderId="S", message="m", phoneNumbers="91 9816111111,91 12"
    )
    assert answer.json()["responseCode"] == 400
    assert client.inbox("919816111111") == []


def test_a_sheet_makes_a_text_for_each_row(client: ForeignClient) -> None:
    sheet = workbook(
        ("Country", "Mobile", "var1", "var2", "var3"),
        (91, 9876543210, "Asha", 1200, "1 May"),
        ("91", "9816111111", "Ravi", 7.5, None),
        (None, None, None, None, None),
    )
    answer = client.http.post(
        client.base + "/verification/v3/send",
        params={"type": "SMS", "flowType": "SMS", "senderId": "SHOPIN"},
        data={"message": "Hello ##var##, your balance is ##var2## on date ##var3##."},
        files={"file": ("people.xlsx", sheet)},
        headers={"authToken": client.token}, timeout=10,
    ).json()  # fmt: skip
    assert answer["responseCode"] == 200
    assert client.inbox()[0]["text"] == "Hello Asha, your balance is 1200 on date 1 May."
    assert client.inbox("919816111111")[0]["text"] == "Hello Ravi, your balance is 7.5 on date ."


@pytest.mark.parametrize("content", [b"", b"not a workbook", workbook(), workbook(("Name",), ("Asha",))])
def test_a_file_that_is_no_such_sheet_is_a_bad_request(client: ForeignClient, content: bytes) -> None:
    answer = client.http.post(
        client.base + "/verification/v3/send",
        params={"type": "SMS", "flowType": "SMS", "senderId": "S", "message": "m"},
        files={"file": ("people.xlsx", content)},
        headers={"authToken": client.token}, timeout=10,
    )  # fmt: skip
    assert answer.json()["responseCode"] == 400


def test_delivery_comes_back_as_the_document_shows(
    sandbox: SandboxServer, client: ForeignClient, site: Site
) -> None:
    transaction = client.sms().json()["data"]["transactionId"]
    sandbox.wait_for_callbacks()
    (report,) = site.got
    assert list(report) == [
        "apiKey", "clientId", "messageId", "status", "errorCode", "countryCode", "mobile",
        "submitDate", "doneDate",
    ]  # fmt: skip
    assert report["messageId"] == transaction
    assert report["status"] == "DELIVRD"
    assert report["errorCode"] == 0
    assert report["mobile"] == "919876543210"
    assert client.inbox()[0]["status"] == "DELIVRD"


@pytest.mark.parametrize(
    ("last", "statuses"),
    [
        ("000", ["DELIVRD"]), ("010", ["UNDELIV"]), ("011", ["EXPIRED"]), ("012", ["REJECTD"]),
        ("013", ["UNKNOWN"]),
        ("014", []), ("016", ["DELIVRD", "DELIVRD"]), ("017", ["DELIVRD", "UNDELIV"]), ("018", ["DELIVRD"]),
    ],
)  # fmt: skip
def test_magic_numbers_decide_the_reports(
    sandbox: SandboxServer, client: ForeignClient, site: Site, last: str, statuses: list[str]
) -> None:
    client.sms("7999000" + last)
    if last == "018":
        assert len(site.got) == 1, "the callback came before the answer"
    sandbox.wait_for_callbacks()
    assert [report["status"] for report in site.got] == statuses
    if last == "016":
        assert site.got[0] == site.got[1]
    if last == "017":
        assert site.got[0]["doneDate"] > site.got[1]["doneDate"], "the later event was told first"
        assert client.inbox("917999000017")[0]["status"] == "DELIVRD"


def test_a_late_report_comes_when_the_clock_says_so(
    sandbox: SandboxServer, client: ForeignClient, site: Site
) -> None:
    client.sms("7999000015")
    assert sandbox.stats()["callbacks"]["pending"] == 1
    client.control("clock", {"move": 61})
    assert sandbox.wait_for_callbacks()["answered"] == 1


def test_a_refused_callback_is_posted_again_as_configured(
    sandbox: SandboxServer, client: ForeignClient, site: Site
) -> None:
    site.answers = [500, 503]
    client.sms()
    counts = sandbox.wait_for_callbacks()
    assert (counts["posts"], counts["answered"], counts["failed"]) == (3, 1, 0)
    (callback,) = client.http.get(client.base + "/_sandbox/callbacks?mobile=919876543210", timeout=5).json()
    assert [attempt["http_status"] for attempt in callback["attempts"]] == [500, 503, 200]
    assert callback["attempts"][0]["said"] == "ok"


def test_a_site_that_is_away_ends_as_failed(sandbox: SandboxServer, client: ForeignClient) -> None:
    sandbox.configure(callback_url="http://127.0.0.1:1/hook", callback_retries=1)
    client.sms()
    counts = sandbox.wait_for_callbacks()
    assert (counts["posts"], counts["failed"]) == (2, 1)


@pytest.mark.parametrize("kind", ["shared", "fresh"])
def test_reports_of_a_list_come_with_the_shared_or_a_fresh_id(
    sandbox: SandboxServer, client: ForeignClient, site: Site, kind: str
) -> None:
    sandbox.configure(bulk_message_id=kind)
    numbers = "91 9816111111,91 7715131105"
    answer = client.send(type="SMS", flowType="SMS", senderId="S", message="m", phoneNumbers=numbers).json()
    sandbox.wait_for_callbacks()
    ids = {report["messageId"] for report in site.got}
    if kind == "shared":
        assert ids == {answer["data"]["transactionId"]}
    else:
        assert len(ids) == 2
        assert answer["data"]["transactionId"] not in ids


def test_shares_decide_outcomes_and_repeat_with_the_seed() -> None:
    def outcomes(seed: int) -> list[str]:
        with SandboxServer(seed=seed, callback_delay=0, delivery={"UNDELIV": 0.3, "EXPIRED": 0.2}) as server:
            foreign = ForeignClient(server.url)
            foreign.login()
            numbers = ",".join(f"91 98765{n:05d}" for n in range(200))
            foreign.send(type="SMS", flowType="SMS", senderId="S", message="m", phoneNumbers=numbers)
            server.wait_for_callbacks()
            foreign.http.close()
            return [text["status"] for text in server.messages()]

    first = outcomes(7)
    assert outcomes(7) == first
    assert outcomes(8) != first
    assert 35 <= first.count("UNDELIV") <= 85
    assert 20 <= first.count("EXPIRED") <= 65
