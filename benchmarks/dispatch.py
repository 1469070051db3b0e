"""Messages a second, CPU and queries a message, against the wire's own limit and a hand-written loop.

Peers, in the same run: (a) ``limit``: threads over one requests.Session and nothing else, as many
as the puller
has; (b) ``handwritten``: a for-loop that posts and saves a row at a time. A worker is a process
that runs pullers
as a Celery worker's child does, one slice after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from benchmarks.scratch import ROOT, Sandbox, Site, add_recipients, free_port

HELP = "messages a second, CPU and queries a message, beside the wire's limit and a hand-written loop"
TEXT = "Hello ##var##, your balance is ##var2##."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipients", type=int, default=4000)
    parser.add_argument("--database", choices=["postgres", "mariadb", "sqlite"], default="postgres")
    parser.add_argument("--latency-ms", type=float, default=50)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--threads", type=int, default=32, help="calls at once of one worker")
    parser.add_argument("--pace", type=float, default=100_000, help="messages a second of the account")
    parser.add_argument("--handwritten", type=int, default=200, help="rows of the hand-written loop")


def run(options: argparse.Namespace) -> dict[str, Any]:
    port = free_port()
    settings = {
        "BASE_URL": f"http://127.0.0.1:{port}",
        "CUSTOMER_ID": "C-SANDBOX0000001",
        "PASSWORD": "sandbox",
        "SENDER_ID": "UTOMOB",
        "PACE_PER_SECOND": options.pace,
        "DISPATCH_THREADS": options.threads,
        "DISPATCH_PULLERS": options.workers,
    }
    with Sandbox(port, options.latency_ms / 1000) as sandbox, Site(options.database, settings):
        limit = _limit(sandbox.url, options)
        ours = _ours(options, sandbox.url)
        handwritten = _handwritten(sandbox.url, options)
        held = _steady_rate(sandbox.url, ours["submitted"], options.handwritten)
    rate = ours["messages_per_second"]
    return {
        "database": options.database,
        "latency_ms": options.latency_ms,
        "workers": options.workers,
        "threads": options.threads,
        "recipients": options.recipients,
        **ours,
        "limit_messages_per_second": round(limit, 1),
        "handwritten_messages_per_second": round(handwritten, 1),
        "ratio_to_limit": round(rate / limit, 3),
        "ratio_to_handwritten": round(rate / handwritten, 2),
        "ratio_to_pace": round(held / options.pace, 4) if options.pace < limit else None,
        "processor_saturated": ours["cpu_share"] > 0.85,
    }


def _token(url: str) -> str:
    import requests

    query = {"customerId": "C-SANDBOX0000001", "key": "c2FuZGJveA==", "scope": "NEW"}
    return str(requests.get(f"{url}/auth/v1/authentication/token", params=query, timeout=10).json()["token"])


def _post(session: Any, url: str, token: str, number: int) -> str:
    query = {
        "countryCode": "91",
        "mobileNumber": f"97{number:08}",
        "flowType": "SMS",
        "type": "SMS",
        "senderId": "UTOMOB",
        "messageType": "TRANSACTION",
        "message": f"Hello N{number}, your balance is {number}.",
    }
    answer = session.post(
        f"{url}/verification/v3/send", params=query, headers={"authToken": token}, timeout=(5, 20)
    )
    return str(answer.json()["data"]["transactionId"])


def _limit(url: str, options: argparse.Namespace) -> float:
    """Bare requests at the same concurrency: what this machine and this vendor allow."""
    import requests

    token = _token(url)
    threads = options.threads * options.workers
    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=threads, pool_connections=1))
    with ThreadPoolExecutor(threads) as pool:
        began = time.monotonic()
        list(pool.map(lambda n: _post(session, url, token, n), range(options.recipients)))
        return float(options.recipients / (time.monotonic() - began))


def _steady_rate(url: str, ours: int, after: int) -> float:
    """Messages a second as the sandbox received them, between the first and the last fifth of our run: a
    second's worth leaves at once at its beginning, which is no part of a pace that is held.
    """
    import requests

    query: dict[str, Any] = {"limit": ours + after}
    found = requests.get(f"{url}/_sandbox/messages", params=query, timeout=60).json()
    times = sorted(datetime.fromisoformat(message["received_at"]) for message in found)[-(ours + after) :]
    times = times[:ours]  # without the hand-written loop, which came later
    first, last = ours // 5, ours - 1 - ours // 5
    return (last - first) / (times[last] - times[first]).total_seconds()


def _handwritten(url: str, options: argparse.Namespace) -> float:
    """As people write it: one row after the other, posted and saved."""
    import requests

    from django_messagecentral.messaging.models import Message

    token = _token(url)
    rows = [Message.objects.create(phone=f"+9196{n:08}", status="queued") for n in range(options.handwritten)]
    began = time.monotonic()
    for number, row in enumerate(rows):
        row.transaction_id = _post(requests, url, token, number)
        row.status = "submitted"
        row.save()
    return float(options.handwritten / (time.monotonic() - began))


def _ours(options: argparse.Namespace, url: str) -> dict[str, Any]:
    import requests

    from django_messagecentral.campaigns import service
    from django_messagecentral.campaigns.models import Campaign
    from django_messagecentral.messaging.models import Message

    campaign = Campaign.objects.create(name="b", text=TEXT, sender_id="UTOMOB", status="ready")
    add_recipients(campaign, options.recipients)
    before = requests.get(f"{url}/_sandbox/stats", timeout=10).json()["texts_received"]
    service.call_pullers = lambda _pk: None
    workers = [_Worker(campaign.pk) for _ in range(options.workers)]
    for worker in workers:
        worker.wait_ready()
    service.launch(campaign)
    began = time.monotonic()
    for worker in workers:
        worker.go()
    reports = [worker.report() for worker in workers]
    seconds = time.monotonic() - began
    received = requests.get(f"{url}/_sandbox/stats", timeout=10).json()["texts_received"] - before
    submitted = Message.objects.filter(campaign=campaign, status="submitted").count()
    cpu = sum(report["cpu_seconds"] for report in reports)
    return {
        "messages_per_second": round(options.recipients / seconds, 1),
        "seconds": round(seconds, 2),
        "cpu_ms_per_message": round(1000 * cpu / options.recipients, 3),
        "cpu_share": round(cpu / seconds / max(1, min(options.workers, os.cpu_count() or 1)), 2),
        "queries_per_message": round(sum(report["queries"] for report in reports) / options.recipients, 3),
        "peak_mib": max(report["peak_mib"] for report in reports),
        "submitted": submitted,
        "received_by_sandbox": received,
        "repeated": received
        - len(set(Message.objects.filter(campaign=campaign).values_list("phone", flat=True))),
        "lost": options.recipients - submitted,
    }


class _Worker:
    """A process that pulls one campaign until it is over."""

    def __init__(self, campaign_id: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.dispatch", str(campaign_id)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )

    def wait_ready(self) -> None:
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def report(self) -> dict[str, Any]:
        output, _ = self._process.communicate(timeout=900)
        return dict(json.loads(output.splitlines()[-1]))


def work(campaign_id: int) -> None:
    """The worker's side."""
    from benchmarks.scratch import configure

    configure()
    from django.db import connection

    from django_messagecentral.campaigns.dispatch import dispatch
    from django_messagecentral.campaigns.models import Campaign

    queries = 0

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(sql, params, many, context)

    connection.ensure_connection()
    print("ready", flush=True)
    sys.stdin.readline()
    before = resource.getrusage(resource.RUSAGE_SELF)
    with connection.execute_wrapper(count):
        while Campaign.objects.get(pk=campaign_id).status == "sending":
            dispatch(campaign_id)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"queries": queries, "cpu_seconds": cpu, "peak_mib": round(after.ru_maxrss / 1024)}))


if __name__ == "__main__":
    work(int(sys.argv[1]))
