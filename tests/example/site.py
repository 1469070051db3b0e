"""Starts the example site as a person does: ``manage.py migrate`` and ``runserver``, in a home of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from django_messagecentral.sandbox import SandboxServer

ROOT = Path(__file__).resolve().parents[2]
MANAGE = ROOT / "example_project" / "manage.py"
TOKEN = "example-only-webhook-token-0123456789"
# ``manage.py`` for fifty visitors at the very same moment: runserver's own queue holds ten.
SERVE = """
from django.core.management import execute_from_command_line
from django.core.servers.basehttp import WSGIServer
import sys
WSGIServer.request_queue_size = 128
execute_from_command_line(["manage.py", *sys.argv[1:]])
"""
# Quick enough for a test, and wide enough for many visitors from one address.
QUICK = {
    "OTP_COOLDOWNS": [2, 2, 2, 2],
    "OTP_LOGIN_FLOOR": 0.3,
    "OTP_SENDS_PER_IP_HOUR": 10_000,
    "DISPATCH_SLICE": 1.0,
}


@dataclass(frozen=True)
class ExampleSite:
    """A running example site and the sandbox that plays the vendor to it."""

    url: str
    sandbox: SandboxServer
    home: Path

    def code_on(self, phone: str, *, after: int = 0) -> tuple[str, int]:
        """The code in ``phone``'s newest text and that text's id; waits for one above ``after``."""
        text = self.sandbox.wait_for_message(phone[1:], after=after)
        return str(text["otp"] or text["text"].split()[0]), int(text["id"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(home: Path, *, worker: bool = False, **app_settings: Any) -> Iterator[ExampleSite]:
    """The site on a free port, ``app_settings`` over its own; with a Celery worker and beat if wanted."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    callback_url = f"{url}/messagecentral/webhook/{TOKEN}/"
    with SandboxServer(seed=1, callback_url=callback_url, callback_delay=0.2) as sandbox:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(MANAGE.parent)]),
            "DJANGO_SETTINGS_MODULE": "example.settings",
            "EXAMPLE_HOME": str(home),
            "EXAMPLE_SANDBOX_URL": sandbox.url,
            "EXAMPLE_MESSAGECENTRAL": json.dumps(QUICK | app_settings),
        }
        subprocess.run(
            [sys.executable, str(MANAGE), "migrate", "-v", "0"], env=environment, check=True, timeout=120
        )
        serve = ["-c", SERVE, "runserver", "--noreload", f"127.0.0.1:{port}"]
        work = ["-m", "celery", "-A", "example", "worker", "-B", "-c", "2", "-n", f"{port}@%h"]
        commands = {"site": serve} | ({"worker": work} if worker else {})
        with _processes(home, commands, environment):
            _wait_for(url, home / "site.log")
            yield ExampleSite(url, sandbox, home)


@contextmanager
def _processes(
    home: Path, commands: Mapping[str, list[str]], environment: Mapping[str, str]
) -> Iterator[None]:
    """Run each command with this Python, its output in ``<home>/<name>.log``; all are ended at the end."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        for name, command in commands.items():
            with open(home / f"{name}.log", "wb") as log:
                running.append(
                    subprocess.Popen(
                        [sys.executable, *command],
                        env=dict(environment),
                        cwd=MANAGE.parent,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                    )
                )
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(url: str, log: Path) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        try:
            if requests.get(url, timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError(f"the example site did not start:\n{log.read_text(errors='replace')[-3000:]}")
