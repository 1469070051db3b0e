"""Real Celery workers for tests: started, killed, stopped and continued as an operating system does it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from tests.celery_app import app

BROKER = os.environ.get("MESSAGECENTRAL_TEST_BROKER", "filesystem")
URLS = {
    "filesystem": "filesystem://localhost//",
    "redis": "redis://127.0.0.1:6379/15",
    "rabbitmq": "amqp://guest:guest@127.0.0.1:5672//",
}
ROOT = Path(__file__).resolve().parent.parent


def broker_options(home: Path) -> dict[str, Any]:
    """Celery's settings for the broker named by MESSAGECENTRAL_TEST_BROKER,
    with a queue of this test's own.
    """
    if BROKER not in URLS:
        raise ValueError(f"MESSAGECENTRAL_TEST_BROKER is {BROKER!r}: use {', '.join(URLS)}")
    queue = f"messagecentral-test-{uuid.uuid4().hex[:12]}"
    # All that Redis keeps for this test carries its name: it can be flushed, and nobody else's with it.
    transport: dict[str, Any] = {"global_keyprefix": f"{queue}:"} if BROKER == "redis" else {}
    if BROKER == "filesystem":
        for folder in ("queue", "control"):
            (home / folder).mkdir(exist_ok=True)
        transport = {
            "data_folder_in": str(home / "queue"),
            "data_folder_out": str(home / "queue"),
            "control_folder": str(home / "control"),
            "polling_interval": 0.05,
        }
    return {
        "broker_url": URLS[BROKER],
        "broker_transport_options": transport,
        "task_default_queue": queue,
    }


@contextmanager
def real_broker(options: dict[str, Any]) -> Iterator[None]:
    """Tasks of this process go to the broker instead of running at once."""
    changed = {**options, "task_always_eager": False}
    before = {name: app.conf[name] for name in changed}
    app.conf.update(changed)
    _forget_connections()
    try:
        yield
    finally:
        flush_broker(options)
        app.conf.update(before)
        _forget_connections()


def _forget_connections() -> None:
    app.amqp._producer_pool = None
    app.amqp.__dict__.pop("queues", None)
    app.amqp.__dict__.pop("router", None)
    app._pool = None
    app.set_default()


def flush_broker(options: dict[str, Any]) -> None:
    """The broker forgets whatever it holds for this test: waiting tasks, and those that workers hold."""
    with app.connection_for_write() as broker:
        broker.default_channel.queue_delete(options["task_default_queue"])
    if prefix := options["broker_transport_options"].get("global_keyprefix"):
        import redis

        with redis.Redis.from_url(options["broker_url"]) as server:
            if keys := list(server.scan_iter(match=f"{prefix}*", count=1000)):
                server.delete(*keys)


def worker_environment(home: Path, options: dict[str, Any]) -> dict[str, str]:
    """What a process of the site needs to know of the test that starts it (``tests.worker_settings``)."""
    database = {name: str(connection.settings_dict[name]) for name in ("NAME", "HOST", "PORT")}
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
        "MESSAGECENTRAL_WORKER_HOME": str(home),
        "MESSAGECENTRAL_WORKER_DATABASE": json.dumps(database),
        "MESSAGECENTRAL_WORKER_CACHES": json.dumps(settings.CACHES),
        "MESSAGECENTRAL_WORKER_MEDIA": str(settings.MEDIA_ROOT),
        "MESSAGECENTRAL_WORKER_DEBUG": str(settings.DEBUG),
        "MESSAGECENTRAL_WORKER_SETTINGS": json.dumps(settings.MESSAGECENTRAL),
        "MESSAGECENTRAL_WORKER_CELERY": json.dumps(options),
        "PYTHONUNBUFFERED": "1",
    }


class Worker:
    """One ``celery worker`` in a process group of its own."""

    def __init__(
        self, home: Path, options: dict[str, Any], *, concurrency: int = 2, host: str = "one"
    ) -> None:
        self.log = home / f"worker-{uuid.uuid4().hex[:6]}.log"
        environment = worker_environment(home, options)
        command = [sys.executable, "-m", "celery", "-A", "tests.celery_app", "worker", "-l", "INFO"]
        command += [
            "-c",
            str(concurrency),
            "-n",
            f"w{uuid.uuid4().hex[:6]}@{host}",
            "--without-mingle",
            "--without-gossip",
        ]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True
            )

    def says(self, text: str) -> int:
        """How many lines of its log hold ``text``."""
        return sum(text in line for line in self.log.read_text(errors="replace").splitlines())

    def signal(self, number: signal.Signals) -> None:
        """To the worker and all its children."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """As a crash does: no goodbye."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()

    def kill_children(self) -> None:
        """As the kernel does when memory is short: the processes that work die, their parent does not."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, check=False)
        for pid in map(int, found.stdout.split()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def terminate(self, seconds: float = 30) -> None:
        """As a deploy does: the main process is asked to end warmly."""
        self.process.terminate()
        self.process.wait(timeout=seconds)


def wait_until(condition: Callable[[], Any], seconds: float, workers: list[Worker] | None = None) -> None:
    """Wait for ``condition``; fail with the end of the workers' logs if it does not come true."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            logs = "\n".join(worker.log.read_text(errors="replace")[-3000:] for worker in workers or [])
            raise AssertionError(f"not true within {seconds:g} s\n{logs}")
        time.sleep(0.05)
