"""A scratch site for a benchmark: a database of its own, made and removed, and settings from the environment.

The parent makes it with :class:`Site`; its worker processes find it by the environment.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent


def site_settings() -> dict[str, Any]:
    """Django's settings of the scratch site, from the environment that :class:`Site` has filled."""
    home = os.environ["BENCHMARK_HOME"]
    return {
        "SECRET_KEY": "benchmark-only-key-that-is-long-enough-for-everything",
        "USE_TZ": True,
        "ALLOWED_HOSTS": ["*"],
        "INSTALLED_APPS": [
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "phonenumber_field",
            "rest_framework",
            "django_messagecentral",
        ],
        "DATABASES": {"default": json.loads(os.environ["BENCHMARK_DATABASE"])},
        "CACHES": {
            "default": {
                "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
                "LOCATION": f"{home}/cache",
            }
        },
        "MEDIA_ROOT": f"{home}/media",
        "ROOT_URLCONF": "django_messagecentral.urls",
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "MESSAGECENTRAL": json.loads(os.environ["BENCHMARK_SETTINGS"]),
    }


def configure() -> None:
    """Set Django up from the environment; in the parent after :class:`Site` has filled it."""
    import django
    from django.conf import settings

    os.environ.setdefault("MESSAGECENTRAL_TEST_SQLITE_FILE", "")
    settings.configure(**site_settings())
    django.setup()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def add_recipients(campaign: Any, count: int, first: str = "+9198") -> None:
    """``count`` messages of ``campaign`` (its columns var1 and var2) as an import leaves them."""
    from django_messagecentral.campaigns.models import CampaignUpload
    from django_messagecentral.messaging.counters import Deltas
    from django_messagecentral.messaging.models import Message

    upload = CampaignUpload.objects.create(campaign=campaign, columns=["var1", "var2"], status="done")
    Message.objects.bulk_create(
        (
            Message(
                campaign=campaign,
                upload=upload,
                phone=f"{first}{n:08}",
                region="IN",
                variables=[f"N{n}", str(n)],
            )
            for n in range(count)
        ),
        batch_size=1000,
    )
    deltas = Deltas()
    deltas.add(campaign.pk, "draft", count)
    deltas.write()


def database(kind: str, home: str) -> dict[str, Any]:
    """Django's settings of the scratch database."""
    if kind == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": f"{home}/db.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            },
        }
    name = f"mc_bench_{os.getpid()}"
    if kind == "postgres":
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": "postgres",
            "HOST": "127.0.0.1",
        }
    options = {"charset": "utf8mb4"}
    return {
        "ENGINE": "django.db.backends.mysql",
        "NAME": name,
        "USER": "root",
        "HOST": "127.0.0.1",
        "OPTIONS": options,
    }


class Site:
    """The scratch site; ``settings`` are those of ``MESSAGECENTRAL``."""

    def __init__(self, kind: str, settings: dict[str, Any]) -> None:
        self._home = tempfile.mkdtemp(prefix="messagecentral-bench-")
        self._database = database(kind, self._home)
        os.environ["BENCHMARK_HOME"] = self._home
        os.environ["BENCHMARK_DATABASE"] = json.dumps(self._database)
        os.environ["BENCHMARK_SETTINGS"] = json.dumps(settings)

    def __enter__(self) -> Self:
        self._server_command("CREATE DATABASE")
        configure()
        from django.core.management import call_command

        call_command("migrate", verbosity=0, skip_checks=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        from django.db import connections

        connections.close_all()
        self._server_command("DROP DATABASE")
        shutil.rmtree(self._home, ignore_errors=True)

    def _server_command(self, verb: str) -> None:
        name = self._database["NAME"]
        if "postgresql" in self._database["ENGINE"]:
            import psycopg

            with psycopg.connect(
                host="127.0.0.1", user="postgres", dbname="postgres", autocommit=True
            ) as server:
                server.execute(f'{verb} "{name}"')
        elif "mysql" in self._database["ENGINE"]:
            import MySQLdb

            server = MySQLdb.connect(host="127.0.0.1", user="root")
            server.cursor().execute(f"{verb} `{name}`")
            server.close()


class Sandbox:
    """The vendor in a process of its own, answering after ``latency`` seconds."""

    def __init__(self, port: int, latency: float, **settings: Any) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._settings = {"latency": latency, "keep_requests": 0, **settings}
        command = [sys.executable, "-m", "django_messagecentral.sandbox", "--port", str(port)]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
        )

    def __enter__(self) -> Self:
        import time

        import requests

        for _ in range(100):
            try:
                requests.post(
                    f"{self.url}/_sandbox/config", json=self._settings, timeout=2
                ).raise_for_status()
                return self
            except requests.ConnectionError:
                time.sleep(0.1)
        raise RuntimeError("the sandbox did not start")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()
