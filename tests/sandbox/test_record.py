"""A real account's answers are recorded without its secrets, and played again."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from django_messagecentral.sandbox import ConfigError, SandboxServer
from django_messagecentral.sandbox.record import Recorder
from django_messagecentral.sandbox.replay import ReplayError
from django_messagecentral.sandbox.scrub import Scrubber

from .conftest import ForeignClient


@pytest.fixture
def recording(tmp_path: Path) -> tuple[Path, ForeignClient, str]:
    """Somebody uses "the real service" (a sandbox with another account) through the recording proxy."""
    file = tmp_path / "real.jsonl"
    command = [
        sys.executable,
        "-m",
        "django",
        "messagecentral_record",
        str(file),
        "--listen",
        "127.0.0.1:0",
        "--to",
    ]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    with (
        SandboxServer(accounts={"C-REAL7777": "hunter2!pass"}, otp_timeout=45) as real,
        subprocess.Popen([*command, real.url], stdout=subprocess.PIPE, text=True, env=environment) as proxy,
    ):
        assert proxy.stdout is not None
        found = re.search(r"http://[\d.:]+", proxy.stdout.readline())
        assert found is not None
        client = ForeignClient(found[0])
        assert client.login("C-REAL7777", "wrong")["status"] == 400
        assert client.login("C-REAL7777", "hunter2!pass")["status"] == 200
        sent = client.otp(customerId="C-REAL7777").json()["data"]
        otp = real.messages()[0]["otp"]
        assert client.otp().status_code == 400
        assert client.validate(sent["verificationId"], otp).json()["responseCode"] == 200
        client.sms("9816111111", "Dear Asha, your test is positive", templateId="1107161", entityId="1201159")
        client.sms("7999000502")
        client.http.close()
        proxy.send_signal(signal.SIGTERM)
        assert "7 answers" in proxy.stdout.read()
        assert proxy.wait(10) == 0
    return file, client, otp


def test_a_recording_holds_no_secret_and_no_person(recording: tuple[Path, ForeignClient, str]) -> None:
    file, client, otp = recording
    text = file.read_text()
    keys = ("hunter2", "aHVudGVyMiFwYXNz", "C-REAL7777", "1107161", "1201159")
    people = ("9876543210", "9816111111", "Asha", "a@b.example")
    for secret in (client.token, *keys, *people):
        assert secret not in text
    assert f'"{otp}"' not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_recorded_answers_are_played_in_their_order(recording: tuple[Path, ForeignClient, str]) -> None:
    file, _, _ = recording
    with SandboxServer(replay=file) as server:
        client = ForeignClient(server.url)
        assert client.login("C-ANY", "any") == {"status": 400, "error": "key is invalid"}
        assert client.login("C-ANY", "any")["status"] == 200
        sent = client.otp("9123456789").json()["data"]
        assert sent["timeout"] == "45.0"
        assert sent["mobileNumber"] == "9123456789"
        again = client.otp("9123456789")
        assert (again.status_code, again.json()["responseCode"]) == (400, 506)
        assert again.json()["data"]["verificationId"] == sent["verificationId"]
        done = client.validate(sent["verificationId"], "1234").json()
        assert done["data"]["verificationStatus"] == "VERIFICATION_COMPLETED"
        assert client.sms("9123456780").json()["responseCode"] == 200
        assert client.sms("9123456780").status_code == 502
        assert server.stats()["replayed"] == 7
        assert server.messages() == []
        client.otp("9123456789")
        assert len(client.inbox("919123456789")) == 1, (
            "after the last recorded answer the sandbox answers itself"
        )
        client.http.close()


@pytest.mark.parametrize("line", ["not json", "{}", '{"request": {}, "answer": {}}', "[1]"])
def test_what_is_no_recording_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "notes"
    file.write_text(line + "\n")
    with pytest.raises(ReplayError, match="line 1"):
        SandboxServer(replay=file)
    with pytest.raises(ReplayError, match="cannot be read"):
        SandboxServer(replay=tmp_path / "nowhere")


def test_a_recorder_sends_passwords_only_over_https(tmp_path: Path) -> None:
    for target in ("http://cpaas.messagecentral.com", "ftp://x", "nonsense"):
        with pytest.raises(ConfigError, match="https"):
            Recorder(tmp_path / "r", target)


def test_a_service_that_is_away_is_a_502_and_not_recorded(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r", "http://127.0.0.1:1")
    from django_messagecentral.sandbox.params import Request

    assert recorder.handle(Request("GET", "/x")).status == 502
    recorder.close()
    assert (tmp_path / "r").read_text() == ""


@pytest.mark.parametrize("value", [1234567, "1234567", "a2e87214-d18c-4a2e-b7f4-802c4465a9b9", "", None])
def test_stand_ins_keep_shape_and_type(value: Any) -> None:
    scrub = Scrubber()
    (made,) = json.loads(scrub.body(json.dumps({"data": {"verificationId": value}})))["data"].values()
    assert type(made) is type(value)
    assert len(str(made)) == len(str(value))
    assert made != value or not value
    assert json.loads(scrub.body(json.dumps({"verificationId": value})))["verificationId"] == made


def test_html_is_scrubbed_of_what_is_known() -> None:
    scrub = Scrubber()
    scrub.learn("a-long-token")
    scrub.params({"mobileNumber": "9876543210"})
    page = scrub.body("<html>a-long-token 9876543210</html>")
    assert page == "<html>*** <mobileNumber></html>"
