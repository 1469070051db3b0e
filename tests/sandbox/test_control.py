"""The control API: what test suites and scripts ask of a sandbox."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from django_messagecentral.sandbox import Config, ConfigError, SandboxServer
from django_messagecentral.sandbox.config import Distribution

from .conftest import ForeignClient


def test_messages_come_newest_first_and_in_pages(client: ForeignClient) -> None:
    for number in range(5):
        client.sms("9876543210", f"Text {number}")
    client.sms("9816111111", "Other")
    texts = [message["text"] for message in client.inbox("+919876543210")]
    assert texts == ["Text 4", "Text 3", "Text 2", "Text 1", "Text 0"]
    get = client.http.get
    first = get(client.base + "/_sandbox/messages?limit=2", timeout=5).json()
    assert [message["text"] for message in first] == ["Other", "Text 4"]
    rest = get(f"{client.base}/_sandbox/messages?before={first[-1]['id']}", timeout=5).json()
    assert [message["text"] for message in rest] == ["Text 3", "Text 2", "Text 1", "Text 0"]


def test_waiting_for_a_text_ends_when_it_comes(client: ForeignClient, sandbox: SandboxServer) -> None:
    threading.Timer(0.3, lambda: ForeignClientOnce(sandbox.url).go()).start()
    started = time.monotonic()
    answer = client.http.get(client.base + "/_sandbox/wait?mobile=919876543210&timeout=10", timeout=15)
    assert 0.2 < time.monotonic() - started < 5
    assert answer.json()["text"] == "Here I am"
    after = answer.json()["id"]
    none = client.http.get(
        f"{client.base}/_sandbox/wait?mobile=919876543210&after={after}&timeout=0.1", timeout=5
    )
    assert none.status_code == 204


class ForeignClientOnce(ForeignClient):
    def go(self) -> None:
        self.login()
        self.sms(message="Here I am")
        self.http.close()


def test_an_inbox_can_be_cleared(client: ForeignClient) -> None:
    client.otp()
    assert client.control("clear", {"mobile": "919876543210"}).json() == {"ok": True, "texts": 1}
    assert client.inbox() == []
    assert client.otp().json()["responseCode"] == 200, "its living code went too"


def test_reset_forgets_texts_codes_and_counts_but_not_settings(client: ForeignClient) -> None:
    client.control("config", {"otp_length": 7})
    client.otp()
    client.control("reset")
    stats = client.http.get(client.base + "/_sandbox/stats", timeout=5).json()
    assert stats["texts_received"] == stats["sends"]["calls"] == stats["callbacks"]["planned"] == 0
    client.otp()
    assert len(client.inbox()[0]["otp"]) == 7


def test_a_seed_repeats_codes_and_ids_whatever_the_order(client: ForeignClient) -> None:
    def run(mobiles: list[str]) -> dict[str, Any]:
        client.control("reset", {"seed": 11})
        for mobile in mobiles:
            client.otp(mobile)
        return {
            m: (client.inbox("91" + m)[0]["otp"], client.inbox("91" + m)[0]["transaction_id"])
            for m in mobiles
        }

    mobiles = ["9876500001", "9876500002", "9876500003"]
    assert run(mobiles) == run(mobiles[::-1])


def test_without_a_seed_codes_are_not_repeated() -> None:
    def code() -> str:
        with SandboxServer() as server:
            foreign = ForeignClient(server.url)
            foreign.login()
            foreign.otp(otpLength=8)
            foreign.http.close()
            return str(server.messages()[0]["otp"])

    assert code() != code()


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ({"latency": -1}, "latency"),
        ({"latency": {"uniform": [2, 1]}}, "latency"),
        ({"otp_length": 3}, "otp_length"),
        ({"delivery": {"DELIVERED": 1}}, "DELIVERED"),
        ({"delivery": {"UNDELIV": 0.7, "EXPIRED": 0.7}}, "more than 1"),
        ({"errors": {"meteor": 1}}, "meteor"),
        ({"callback_url": "ftp://x"}, "callback_url"),
        ({"callback_url": "http://x:99999/"}, "callback_url"),
        ({"callback_timezone": "Asia/Atlantis"}, "callback_timezone"),
        ({"colour": "red"}, "no such setting: colour"),
        ({"profile": "guessed"}, "profile"),
        ({"any_account": 1}, "any_account"),
        ({"accounts": {"": "x"}}, "accounts"),
        ({"self": 1}, "self"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_changes(
    client: ForeignClient, setting: dict[str, Any], names: str
) -> None:
    before = client.http.get(client.base + "/_sandbox/config", timeout=5).json()
    answer = client.control("config", {"otp_timeout": 5} | setting)
    assert answer.status_code == 400
    assert names in answer.json()["error"]
    assert client.http.get(client.base + "/_sandbox/config", timeout=5).json() == before


def test_passwords_are_not_shown(client: ForeignClient) -> None:
    shown = client.control("config", {"accounts": {"C-1": "hush-hush"}}).text
    assert "hush-hush" not in shown
    assert "C-1" in shown


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        (0.2, 0.2, 0.2),
        ({"uniform": [1, 3]}, 1, 3),
        ({"exponential": 2}, 0, 80),
        ({"lognormal": [1, 0.5]}, 0, 40),
    ],
)
def test_distributions(written: Any, low: float, high: float) -> None:
    found = Distribution.read(written)
    samples = [found.sample(n / 1000) for n in range(1000)]
    assert low <= min(samples) <= max(samples) <= high
    assert samples == sorted(samples)
    assert Config().changed(latency=found.as_json()).latency == found


def test_a_wrong_setting_of_the_server_is_named_too() -> None:
    with pytest.raises(ConfigError, match="otp_timeout"):
        SandboxServer(otp_timeout="soon")


def test_a_page_of_another_site_cannot_change_anything(client: ForeignClient) -> None:
    client.sms()
    for path in ("reset", "config", "do"):
        for header in (
            {"Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Origin": "http://["},
        ):
            answer = client.http.post(
                f"{client.base}/_sandbox/{path}", data="action=reset", headers=header, timeout=5
            )
            assert answer.status_code == 403
    assert len(client.inbox()) == 1


def test_a_report_by_hand(client: ForeignClient, sandbox: SandboxServer) -> None:
    sandbox.configure(callback_delay=0)
    client.sms()
    sandbox.wait_for_callbacks()
    number = client.inbox()[0]["id"]
    assert client.control("report", {"message": number, "status": "UNDELIV"}).json() == {"ok": True}
    assert client.control("report", {"message": number, "status": "repeat"}).json() == {"ok": True}
    sandbox.wait_for_callbacks()
    reports = client.http.get(f"{client.base}/_sandbox/callbacks?message={number}", timeout=5).json()
    assert [report["payload"]["status"] for report in reports] == ["DELIVRD", "UNDELIV", "UNDELIV"]
    assert reports[1]["payload"] == reports[2]["payload"]
    assert client.control("report", {"message": 999, "status": "UNDELIV"}).status_code == 400


def test_a_text_sent_twice_is_counted(client: ForeignClient, sandbox: SandboxServer) -> None:
    client.sms("9876543210", "Once")
    client.sms("9816111111", "Once")
    assert sandbox.stats()["same_text_twice"] == 0
    client.sms("9876543210", "Once")
    assert sandbox.stats()["same_text_twice"] == 1


@pytest.mark.parametrize(
    "path", ["/_sandbox/nothing", "/verification/v9/send", "/", "/_sandbox/static/../core.py"]
)
def test_other_paths_are_not_found(client: ForeignClient, path: str) -> None:
    assert client.http.get(client.base + path, timeout=5).status_code == 404


def test_wrong_methods_are_told(client: ForeignClient) -> None:
    assert client.http.get(client.base + "/verification/v3/send", timeout=5).status_code == 405
    assert client.http.get(client.base + "/_sandbox/reset", timeout=5).status_code == 405


def test_a_reset_amid_callbacks_leaves_no_count_behind(client: ForeignClient, sandbox: SandboxServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, answers nothing
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        sandbox.configure(callback_url=url, callback_delay=0, callback_retries=0, callback_timeout=0.4)
        client.sms()
        deadline = time.monotonic() + 5
        while not sandbox.stats()["callbacks"]["posting"]:
            assert time.monotonic() < deadline
        sandbox.reset()
        time.sleep(0.6)
        assert set(sandbox.stats()["callbacks"].values()) == {0}


def test_clearing_a_phone_does_not_stop_its_callbacks(client: ForeignClient, sandbox: SandboxServer) -> None:
    with SandboxServer() as site:
        sandbox.configure(callback_url=site.url + "/_sandbox/reset", callback_delay=0.2)
        client.sms()
        sandbox.state.clear("919876543210")
        assert sandbox.wait_for_callbacks()["answered"] == 1
        sandbox.configure(callback_url=None)


def test_a_name_bound_to_this_machine_reads_nothing(client: ForeignClient) -> None:
    client.otp()
    path = client.base + "/_sandbox/messages"
    for host in ("evil.example", "evil.example:9000", "evil-localhost", "[::", "169.254.1.1"):
        answer = client.http.get(path, headers={"Host": host}, timeout=5)
        assert answer.status_code == 403
        assert "otp" not in answer.text
    for host in ("localhost:9000", "127.0.0.1", "[::1]:9000", "sandbox.localhost"):
        assert client.http.get(path, headers={"Host": host}, timeout=5).status_code == 200
