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
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from tests.celery_app import app

BROKER = os.environ.get("MESSAGECENTRAL_TEST_BROKER", "filesystem")
ROOT = Path(__file__).resolve().parent.parent


def broker_options(home: Path) -> dict[str, Any]:
    """Celery's settings for the broker named by MESSAGECENTRAL_TEST_BROKER,
    with a queue of this test's own.
    """
    urls = {
        "filesystem": "filesystem://localhost//",
        "redis": "redis://127.0.0.1:6379/15",
        "rabbitmq": "amqp://guest:guest@127.0.0.1:5672//",
    }
    if BROKER not in urls:
        raise ValueError(f"MESSAGECENTRAL_TEST_BROKER is {BROKER!r}: use {', '.join(urls)}")
    transport: dict[str, Any] = {}
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
        "broker_url": urls[BROKER],
        "broker_transport_options": transport,
        "task_default_queue": f"messagecentral-test-{uuid.uuid4().hex[:12]}",
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
        _delete_queue(options["task_default_queue"])
        app.conf.update(before)
        _forget_connections()


def _forget_connections() -> None:
    app.amqp._producer_pool = None
    app.amqp.__dict__.pop("queues", None)
    app.amqp.__dict__.pop("router", None)
    app._pool = None
    app.set_default()


def _delete_queue(name: str) -> None:
    with app.connection_for_write() as broker:
        broker.default_channel.queue_delete(name)


class Worker:
    """One ``celery worker`` in a process group of its own."""

    def __init__(
        self, home: Path, options: dict[str, Any], *, concurrency: int = 2, host: str = "one"
    ) -> None:
        self.log = home / f"worker-{uuid.uuid4().hex[:6]}.log"
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.worker_settings",
            "MESSAGECENTRAL_WORKER_DATABASE": str(connection.settings_dict["NAME"]),
            "MESSAGECENTRAL_WORKER_CACHE": str(home / "cache"),
            "MESSAGECENTRAL_WORKER_MEDIA": str(settings.MEDIA_ROOT),
            "MESSAGECENTRAL_WORKER_SETTINGS": json.dumps(settings.MESSAGECENTRAL),
            "MESSAGECENTRAL_WORKER_CELERY": json.dumps(options),
            "PYTHONUNBUFFERED": "1",
        }
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

    def signal(self, number: signal.Signals) -> None:
        """To the worker and all its children."""
        os.killpg(self.process.pid, number)

    def kill(self) -> None:
        """As a crash does: no goodbye."""
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)
        self.process.wait()

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
