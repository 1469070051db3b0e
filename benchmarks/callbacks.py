"""Delivery reports: requests a second of the webhook, how fast a backlog is worked off, and both at once.

Peers, in the same run on the same database: for the webhook, a bare Django view that does one INSERT, on the
same gunicorn and by the same wrk; for the backlog, a plain loop over the model (get by id, set, save; a
thousand reports a transaction) that counts nothing, tells nobody and knows one kind of id.

Of ten messages six have an id of their own, three share a bulk call's id with a thousand others, and the
reports of one bear an id that nobody has seen. Each gets its report, and one in ten a second, later one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.scratch import ROOT, Site

HELP = "webhook requests a second beside a bare INSERT, and reports processed a second beside a plain loop"
TOKEN = "benchmark-webhook-token-0123456789"
SCRIPT = """
local n = 0
function init(args)
  math.randomseed(os.time() + tonumber(tostring({}):sub(8), 16) % 1e6)
  base = math.random(1e9)
end
function request()
  n = n + 1
  local body = string.format(
    '{"apiKey":null,"clientId":null,"messageId":"m-%d-%d","status":"DELIVRD","errorCode":0,' ..
    '"countryCode":null,"mobile":"91700%07d","submitDate":"2020-11-02 13:59:18",' ..
    '"doneDate":"2020-11-02 13:59:22"}', base, n, n % 1e7)
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reports", type=int, default=100_000, help="in each backlog")
    parser.add_argument("--database", choices=["postgres", "mariadb", "sqlite"], default="postgres")
    parser.add_argument(
        "--seconds", type=int, default=8, help="of load, for each view; 0 leaves the webhook out"
    )
    parser.add_argument("--workers", type=int, default=1, help="gunicorn processes")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--plain", type=int, default=5_000, help="reports that the plain loop processes")


def run(options: argparse.Namespace) -> dict[str, Any]:
    figures: dict[str, Any] = {"database": options.database, "reports": options.reports}
    settings = {"CUSTOMER_ID": "C-1", "PASSWORD": "x", "WEBHOOK_TOKENS": [TOKEN]}
    under_load = options.seconds > 0 and shutil.which("wrk") is not None
    with Site(options.database, settings):
        if under_load:
            _make_bare_table()
            with _gunicorn(options) as base:
                figures |= _webhook(base, options)
            figures["webhook_stored"] = _forget_reports()
        backlog = Backlog(options.reports)
        figures |= backlog.store() | _plain_loop(backlog, options.plain)
        figures |= _drain(1)
        figures |= backlog.check()
        figures["ratio_to_plain"] = round(figures["processed_per_second"] / figures["plain_per_second"], 1)
        Backlog(options.reports, first=10_000_000).store()
        figures |= _named(_drain(2), "by_two")
        if under_load:
            backlog = Backlog(options.reports, first=20_000_000)
            backlog.store()
            with (
                _gunicorn(options) as base,
                _load(f"{base}/messagecentral/webhook/{TOKEN}/", options) as rates,
            ):
                drained = _drain(1)
            figures |= _named(drained, "under_load")
            figures["webhook_requests_per_second_while_draining"] = round(sum(rates) / len(rates), 1)
            figures |= _named(backlog.check(), "under_load")
    return figures


def _named(figures: dict[str, Any], suffix: str) -> dict[str, Any]:
    return {f"{name}_{suffix}": value for name, value in figures.items()}


# -- the webhook --------------------------------------------------------------------------------------


def _make_bare_table() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        json_type = {"postgresql": "jsonb", "mysql": "json"}.get(connection.vendor, "text")
        key = {"postgresql": "bigserial PRIMARY KEY", "mysql": "bigint AUTO_INCREMENT PRIMARY KEY"}
        kind = key.get(connection.vendor, "integer PRIMARY KEY")
        cursor.execute(f"CREATE TABLE bare (id {kind}, payload {json_type})")


def _forget_reports() -> int:
    from django_messagecentral.callbacks.models import Callback

    return Callback.objects.all().delete()[0]


@contextmanager
def _gunicorn(options: argparse.Namespace) -> Iterator[str]:
    command = [sys.executable, "-m", "gunicorn", "benchmarks.callbacks_site", "-w", str(options.workers)]
    port = 18_700 + os.getpid() % 1000
    server = subprocess.Popen([*command, "-b", f"127.0.0.1:{port}", "--log-level", "error"], cwd=ROOT)
    try:
        base = f"http://127.0.0.1:{port}"
        _wait(f"{base}/messagecentral/webhook/{TOKEN}/")
        yield base
    finally:
        server.terminate()
        server.wait()


def _webhook(base: str, options: argparse.Namespace) -> dict[str, Any]:
    bare, ours = [], []
    for _round in range(4):  # by turns, so that neither has the machine's better half
        bare.append(_wrk(f"{base}/bare/", options, options.seconds / 4))
        ours.append(_wrk(f"{base}/messagecentral/webhook/{TOKEN}/", options, options.seconds / 4))
    return {
        "bare_requests_per_second": round(sum(bare) / len(bare), 1),
        "webhook_requests_per_second": round(sum(ours) / len(ours), 1),
        "ratio_to_bare": round(sum(ours) / sum(bare), 3),
    }


def _wait(url: str) -> None:
    import requests

    for _ in range(100):
        try:
            requests.get(url, timeout=60).raise_for_status()
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise RuntimeError("gunicorn did not start")


def _wrk(url: str, options: argparse.Namespace, seconds: float) -> float:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(SCRIPT)
        duration = f"-d{max(1, round(seconds))}s"
        command = ["wrk", "-t1", f"-c{options.connections}", duration, "-s", str(script), url]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(f"not every request was answered 200:\n{out}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found is not None, out
    return float(found[1])


@contextmanager
def _load(url: str, options: argparse.Namespace) -> Iterator[list[float]]:
    """The webhook under load until the end of the block; the requests a second of each two seconds."""
    rates: list[float] = []
    over = threading.Event()

    def press() -> None:
        while not over.is_set():
            rates.append(_wrk(url, options, 2))

    presser = threading.Thread(target=press)
    presser.start()
    try:
        yield rates
    finally:
        over.set()
        presser.join()


# -- the backlog --------------------------------------------------------------------------------------


class Backlog:
    """Messages of a campaign that were submitted just now, and their reports, stored and not processed."""

    def __init__(self, reports: int, first: int = 0) -> None:
        from django_messagecentral.campaigns.models import Campaign

        self.campaign = Campaign.objects.create(name="b", text="t")
        self.reports, self.messages, self.first = reports, reports * 10 // 11, first
        self.now = datetime.now(UTC)

    def store(self) -> dict[str, Any]:
        """Messages in bulk, reports by the webhook's own function, in lists."""
        from django.db import connection

        from django_messagecentral.callbacks import processing
        from django_messagecentral.callbacks.receiving import receive
        from django_messagecentral.messaging import recount
        from django_messagecentral.messaging.models import Message

        processing.call_worker = lambda: None
        Message.objects.bulk_create(map(self._message, range(self.messages)), batch_size=1000)
        recount.mend(recount.differences(self.campaign.pk))
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE messagecentral_message")  # as autovacuum does within a minute
        began = time.monotonic()
        for start in range(0, self.reports, 500):
            receive([self._report(n) for n in range(start, min(self.reports, start + 500))])
        return {"stored_per_second_in_lists": round(self.reports / (time.monotonic() - began), 1)}

    def check(self) -> dict[str, Any]:
        """What came of it; all messages should be settled, and the counters those of a recount."""
        from django_messagecentral.messaging import recount
        from django_messagecentral.messaging.models import Message
        from django_messagecentral.messaging.states import DELIVERY

        settled = Message.objects.filter(campaign=self.campaign, status__in=DELIVERY).count()
        return {
            "messages": self.messages,
            "messages_settled": settled,
            "counters_wrong": len(recount.differences(self.campaign.pk)),
        }

    def ids(self, count: int) -> list[str]:
        """Ids of ``count`` messages that have one of their own."""
        return [self._id(n) for n in range(count * 2) if n % 10 < 6][:count]

    def _id(self, number: int) -> str:
        kind = number % 10
        if kind < 6:
            return f"own-{self.first + number}"
        return f"bulk-{self.first + number // 3333}" if kind < 9 else ""

    def _message(self, number: int) -> Any:
        from django_messagecentral.messaging.models import Message

        return Message(
            campaign=self.campaign,
            phone=f"+9198{self.first + number:08}",
            region="IN",
            status="submitted",
            segments=1,
            transaction_id=self._id(number) or f"hidden-{self.first + number}",
            submitted_at=self.now,
        )

    def _report(self, number: int) -> dict[str, Any]:
        again = number >= self.messages  # a second, later report of an earlier message
        of = (number - self.messages) * 10 if again else number
        done = self.now + timedelta(seconds=9 if again else 4)
        return {
            "messageId": self._id(of) or f"strange-{self.first + of}",
            "status": "DELIVRD" if again or of % 10 else "UNDELIV",
            "errorCode": 0,
            "mobile": f"9198{self.first + of:08}",
            "submitDate": f"{self.now + timedelta(hours=5, minutes=30):%Y-%m-%d %H:%M:%S}",
            "doneDate": f"{done + timedelta(hours=5, minutes=30):%Y-%m-%d %H:%M:%S}",
        }


def _plain_loop(backlog: Backlog, count: int) -> dict[str, Any]:
    """The peer, on messages of its own kind: rolled back, so that the backlog stays as it was."""
    from django.db import transaction

    from django_messagecentral.messaging.models import Message

    ids = backlog.ids(min(count, backlog.messages // 2))
    began = time.monotonic()
    for start in range(0, len(ids), 1000):
        with transaction.atomic():
            for own_id in ids[start : start + 1000]:
                message = Message.objects.get(transaction_id=own_id)
                message.status, message.done_at = "delivered", backlog.now
                message.save(update_fields=["status", "done_at"])
            transaction.set_rollback(True)
    return {"plain_per_second": round(len(ids) / (time.monotonic() - began), 1)}


def _drain(processes: int) -> dict[str, Any]:
    """Work everything off with so many processes."""
    command = [sys.executable, "-m", "benchmarks.callbacks_drain"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(processes)]
    time.sleep(3)  # all of them have read the app
    for worker in workers:
        worker.stdin.write("go\n")  # type: ignore[union-attr]
        worker.stdin.flush()  # type: ignore[union-attr]
    found = [json.loads(worker.communicate()[0]) for worker in workers]
    done = sum(each["done"] for each in found)
    seconds = max(each["ended"] for each in found) - min(each["began"] for each in found)
    figures = {
        "processed": done,
        "processed_per_second": round(done / seconds, 1),
        "microseconds_of_python": round(sum(each["cpu"] for each in found) / done * 1e6, 1),
        "statements_per_batch": round(
            sum(e["statements"] for e in found) / sum(e["batches"] for e in found), 1
        ),
    }
    if server := sum(each["server_cpu"] for each in found):
        figures["microseconds_of_postgres"] = round(server / done * 1e6, 1)
    return figures
