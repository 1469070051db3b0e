"""Delivery reports: requests a second of the webhook beside a bare view that does one INSERT, and how fast a
backlog is worked off.

Peer, in the same run, on the same gunicorn and by the same wrk: a Django view that puts the body into a table
of one column. The backlog is processed by this one process, as a Celery worker's child does it; each message
gets its report, and one in ten a second, later one.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.scratch import ROOT, Site

HELP = "webhook requests a second beside a bare INSERT, and reports processed a second"
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
    '"countryCode":null,"mobile":"91980%07d","submitDate":"2026-11-02 13:59:18",' ..
    '"doneDate":"2026-11-02 13:59:22"}', base, n, n % 1e7)
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reports", type=int, default=100_000, help="in the backlog")
    parser.add_argument("--database", choices=["postgres", "mariadb", "sqlite"], default="postgres")
    parser.add_argument("--seconds", type=int, default=8, help="of load, for each view")
    parser.add_argument("--workers", type=int, default=1, help="gunicorn processes")
    parser.add_argument("--connections", type=int, default=8)


def run(options: argparse.Namespace) -> dict[str, Any]:
    figures: dict[str, Any] = {"database": options.database, "reports": options.reports}
    settings = {"CUSTOMER_ID": "C-1", "PASSWORD": "x", "WEBHOOK_TOKENS": [TOKEN]}
    with Site(options.database, settings):
        if options.seconds and shutil.which("wrk"):
            figures |= _webhook(options)
        figures |= _backlog(options.reports)
    return figures


def _webhook(options: argparse.Namespace) -> dict[str, Any]:
    from django.db import connection

    with connection.cursor() as cursor:
        json_type = {"postgresql": "jsonb", "mysql": "json"}.get(connection.vendor, "text")
        key = {"postgresql": "bigserial PRIMARY KEY", "mysql": "bigint AUTO_INCREMENT PRIMARY KEY"}
        kind = key.get(connection.vendor, "integer PRIMARY KEY")
        cursor.execute(f"CREATE TABLE bare (id {kind}, payload {json_type})")
    command = [sys.executable, "-m", "gunicorn", "benchmarks.callbacks_site", "-w", str(options.workers)]
    port = 18_700 + os.getpid() % 1000
    server = subprocess.Popen([*command, "-b", f"127.0.0.1:{port}", "--log-level", "error"], cwd=ROOT)
    try:
        base = f"http://127.0.0.1:{port}"
        _wait(f"{base}/messagecentral/webhook/{TOKEN}/")
        bare, ours = [], []
        for _round in range(2):  # by turns, so that neither has the machine's better half
            bare.append(_wrk(f"{base}/bare/", options))
            ours.append(_wrk(f"{base}/messagecentral/webhook/{TOKEN}/", options))
    finally:
        server.terminate()
        server.wait()
    from django_messagecentral.callbacks.models import Callback

    stored = Callback.objects.count()
    Callback.objects.all().delete()
    return {
        "bare_requests_per_second": round(max(bare), 1),
        "webhook_requests_per_second": round(max(ours), 1),
        "ratio_to_bare": round(max(ours) / max(bare), 3),
        "webhook_stored": stored,
    }


def _wait(url: str) -> None:
    import requests

    for _ in range(100):
        try:
            requests.get(url, timeout=2).raise_for_status()
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise RuntimeError("gunicorn did not start")


def _wrk(url: str, options: argparse.Namespace) -> float:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text(SCRIPT)
        seconds = max(1, options.seconds // 2)
        command = ["wrk", "-t1", f"-c{options.connections}", f"-d{seconds}s", "-s", str(script), url]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(f"not every request was answered 200:\n{out}")
    found = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert found is not None, out
    return float(found[1])


def _backlog(count: int) -> dict[str, Any]:
    from django_messagecentral.callbacks import processing
    from django_messagecentral.callbacks.receiving import receive
    from django_messagecentral.campaigns.models import Campaign
    from django_messagecentral.messaging import counters, recount
    from django_messagecentral.messaging.models import Message

    processing.call_worker = lambda: None
    now = datetime.now(UTC)
    campaign = Campaign.objects.create(name="b", text="t")
    messages = count * 10 // 11
    Message.objects.bulk_create(
        (
            Message(
                campaign=campaign,
                phone=f"+9198{n:08}",
                region="IN",
                status="submitted",
                segments=1,
                transaction_id=f"t-{n}",
                submitted_at=now,
            )
            for n in range(messages)
        ),
        batch_size=1000,
    )
    recount.mend(recount.differences(campaign.pk))
    began = time.monotonic()
    for start in range(0, count, 500):
        receive([_report(n, messages, now) for n in range(start, min(count, start + 500))])
    stored_in = time.monotonic() - began
    began, cpu = time.monotonic(), time.process_time()
    done = 0
    while batch := processing.process_batch():
        done += batch
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    counters.fold_all()
    delivered = Message.objects.filter(campaign=campaign, status="delivered").count()
    return {
        "stored_per_second_in_lists": round(count / stored_in, 1),
        "processed_per_second": round(done / seconds, 1),
        "processed_per_cpu_second": round(done / cpu, 1),  # what it would be on a core of its own
        "processed": done,
        "messages_delivered": delivered,
        "messages": messages,
        "counters_wrong": len(recount.differences(campaign.pk)),
    }


def _report(number: int, messages: int, now: datetime) -> dict[str, Any]:
    again = number >= messages  # a second, later report of an earlier message
    of = (number - messages) * 10 if again else number
    done = now + timedelta(seconds=9 if again else 4)
    return {
        "messageId": f"t-{of}",
        "status": "DELIVRD" if again or of % 10 else "UNDELIV",
        "errorCode": 0,
        "mobile": f"9198{of:08}",
        "submitDate": f"{now + timedelta(hours=5, minutes=30):%Y-%m-%d %H:%M:%S}",
        "doneDate": f"{done + timedelta(hours=5, minutes=30):%Y-%m-%d %H:%M:%S}",
    }
