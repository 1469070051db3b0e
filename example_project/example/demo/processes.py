"""Starts and ends the demo's processes: the sandbox, the site, a Celery worker."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import requests

MANAGE = Path(__file__).resolve().parents[2] / "manage.py"


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Processes:
    """Processes of one demo, with their output in files of ``home``; all are ended at the end."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        for _name, process in reversed(self._running):
            process.terminate()
        for _name, process in reversed(self._running):
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start(self, name: str, *command: str) -> None:
        """Start ``command`` with this Python; its output goes to ``<home>/<name>.log``."""
        with open(self._home / f"{name}.log", "wb") as log:
            process = subprocess.Popen(
                [sys.executable, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=MANAGE.parent,
                env=os.environ.copy(),
            )
        self._running.append((name, process))

    def manage(self, name: str, *arguments: str) -> None:
        self.start(name, str(MANAGE), *arguments)

    def check(self) -> None:
        """Raise :class:`DemoError` with the end of its log if a process has died."""
        for name, process in self._running:
            if process.poll() is not None:
                log = (self._home / f"{name}.log").read_text(errors="replace")
                raise DemoError(
                    f"The {name} ended by itself (exit code {process.returncode}):\n{log[-2000:]}"
                )

    def wait_for(self, url: str, seconds: float = 60) -> None:
        """Wait until ``url`` answers."""
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            self.check()
            try:
                if requests.get(url, timeout=2).status_code < 500:
                    return
            except requests.RequestException:
                time.sleep(0.1)
        raise DemoError(f"{url} did not answer within {seconds:.0f} s.")
