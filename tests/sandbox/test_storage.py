"""A sandbox with a file goes on where it was, also after a kill -9."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from django_messagecentral.sandbox import SandboxServer
from django_messagecentral.sandbox.storage import StorageError

from .conftest import ForeignClient


def test_phones_codes_tokens_and_counts_survive_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.jsonl"
    with SandboxServer(file=file, otp_timeout=500, callback_delay=0, seed=4) as server:
        before = ForeignClient(server.url)
        before.login()
        verification = before.otp().json()["data"]["verificationId"]
        before.sms("9816111111")
        server.wait_for_callbacks()
        before.validate(verification, "wrong")
        texts, stats = server.messages(), server.stats()
        before.http.close()
    with SandboxServer(file=file) as server:
        after = ForeignClient(server.url)
        after.token = before.token
        assert server.messages() == texts
        assert server.stats() == stats
        assert after.otp().json()["responseCode"] == 506
        code = after.inbox()[0]["otp"]
        assert after.validate(verification, code).json()["responseCode"] == 200
        assert int(after.otp("9876500001").json()["data"]["verificationId"]) > int(verification)
        after.http.close()


def test_a_pending_callback_is_posted_by_the_next_run(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.jsonl"
    with SandboxServer(file=file, callback_delay=300) as server:
        foreign = ForeignClient(server.url)
        foreign.login()
        foreign.sms()
        foreign.http.close()
    with SandboxServer() as site, SandboxServer(file=file) as server:
        server.configure(callback_url=site.url + "/_sandbox/reset")
        server.move_clock(301)
        assert server.wait_for_callbacks()["answered"] == 1


def test_nothing_answered_is_lost_by_kill_9(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.jsonl"
    command = [sys.executable, "-m", "django_messagecentral.sandbox", "--port", "0", "--file", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[\d.:]+", process.stdout.readline())
        assert found is not None
        foreign = ForeignClient(found[0])
        foreign.login()
        for number in range(20):
            assert foreign.sms(f"98765{number:05d}").json()["responseCode"] == 200
        foreign.http.close()
        os.kill(process.pid, signal.SIGKILL)
    with open(file, "ab") as torn:
        torn.write(b'["message",[21,')
    with SandboxServer(file=file) as server:
        assert server.stats()["texts_received"] == 20
        assert len(server.messages()) == 20


def test_the_file_is_private_and_holds_no_password_of_a_request(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.jsonl"
    with SandboxServer(file=file) as server:
        foreign = ForeignClient(server.url)
        foreign.login()
        foreign.sms()
        foreign.http.close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert foreign.token not in file.read_text()


def test_reset_and_clear_are_kept_too(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.jsonl"
    with SandboxServer(file=file) as server:
        foreign = ForeignClient(server.url)
        foreign.login()
        foreign.sms()
        server.reset()
        foreign.sms("9816111111")
        foreign.sms("9816111112")
        foreign.control("clear", {"mobile": "919816111112"})
        foreign.http.close()
        stats = server.stats()
    with SandboxServer(file=file) as server:
        assert [text["mobile"] for text in server.messages()] == ["919816111111"]
        assert server.stats() == stats


def test_two_sandboxes_do_not_share_a_file(tmp_path: Path) -> None:
    with SandboxServer(file=tmp_path / "one"), pytest.raises(StorageError, match="in use"):
        SandboxServer(file=tmp_path / "one")


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("buy milk\nsell honey\n")
    with pytest.raises(StorageError, match="line 1"):
        SandboxServer(file=file)
    assert file.read_text() == "buy milk\nsell honey\n"
