"""A campaign whose workers are killed again and again: nobody twice, nobody lost, by the vendor's own log.

Real Celery workers on a real broker and database, the sandbox as the vendor, delivery reports on. The events
come in an order that ``--seed`` repeats: ``kill -9`` of a worker and all its children, which is replaced;
SIGSTOP of a worker until all of its leases are over, then SIGCONT; all tasks of the broker thrown away.
Nothing is done by hand to leases or seats. At the end a person sends the unconfirmed ones again.

``unconfirmed`` are messages whose worker was killed or stopped, as the sweep finds them. At no kill may there
be more than ``in_flight_bound``: what the killed worker's pullers can have claimed, ``AHEAD_MOST`` calls a
thread, whether a thread carries them, or they wait for one, or they are answered and not yet written.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.scratch import ROOT, Sandbox, Site, add_recipients, free_port

HELP = "kill -9 of workers in mid-campaign: repeated, lost, and unconfirmed recipients"
TOKEN = "benchmark-webhook-token-0123456789"
CHILDREN = 2  # processes of one worker
THREADS = 4
URLS = {"redis": "redis://127.0.0.1:6379/14", "rabbitmq": "amqp://guest:guest@127.0.0.1:5672//"}
SETTLE_SECONDS = 300.0  # from the last event to the last report
SWEEP_SECONDS = 1.0
WRITTEN_SECONDS = 3.0  # after which an awake worker has written the answers of what it had claimed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--database", choices=["postgres", "mariadb"], default="postgres")
    parser.add_argument("--broker", choices=sorted(URLS), default="redis")
    parser.add_argument("--workers", type=int, default=2, help=f"each of {CHILDREN} processes")
    parser.add_argument("--stops", type=int, default=2, help="of a worker, until its leases are over")
    parser.add_argument("--flushes", type=int, default=2, help="of the broker")
    parser.add_argument("--pace", type=float, default=150, help="messages a second of the account")
    parser.add_argument("--seed", type=int, default=None, help="of the order of events; random if not given")


def run(options: argparse.Namespace) -> dict[str, Any]:
    seed = random.randrange(10**6) if options.seed is None else options.seed
    port, site_port = free_port(), free_port()
    settings = {
        "BASE_URL": f"http://127.0.0.1:{port}",
        "CUSTOMER_ID": "C-SANDBOX0000001",
        "PASSWORD": "sandbox",
        "SENDER_ID": "UTOMOB",
        "WEBHOOK_TOKENS": [TOKEN],
        "PACE_PER_SECOND": options.pace,
        "DISPATCH_THREADS": THREADS,
        "DISPATCH_PULLERS": 4 * options.workers,  # the seats of those killed are empty until their leases end
        "DISPATCH_SLICE": 2.0,
        "LEASE": 5.0,
        "CONNECT_TIMEOUT": 1.0,
        "READ_TIMEOUT": 2.0,
    }
    queue = f"messagecentral-chaos-{uuid.uuid4().hex[:12]}"
    os.environ["BENCHMARK_CELERY"] = json.dumps(
        {
            "broker_url": URLS[options.broker],
            "broker_transport_options": {"global_keyprefix": f"{queue}:"}
            if options.broker == "redis"
            else {},
            "broker_connection_retry_on_startup": True,
            "task_default_queue": queue,
            "worker_prefetch_multiplier": 1,
        }
    )
    vendor = Sandbox(
        port, 0.03, callback_url=f"http://127.0.0.1:{site_port}/webhook/{TOKEN}/", callback_retries=10
    )
    with vendor as sandbox, Site(options.database, settings), ExitStack() as stack:
        chaos = Chaos(options, random.Random(seed), sandbox.url)
        stack.callback(chaos.end)
        chaos.start_site(site_port)
        return {
            "database": options.database,
            "broker": options.broker,
            "workers": options.workers,
            "seed": seed,
            **chaos.run(),
        }


class Chaos:
    """One campaign, its workers, and what happens to them."""

    def __init__(self, options: argparse.Namespace, dice: random.Random, url: str) -> None:
        from benchmarks.chaos_app import app

        self._options = options
        self._dice = dice
        self._url = url
        self._app = app
        self._workers: list[_Process] = []
        self._asleep: dict[_Process, float] = {}  # when it may wake
        self._others: list[_Process] = []
        self._claimed: list[dict[int, Any]] = []  # message -> claim, of what was being sent at each kill
        self._slept_on: dict[int, Any] = {}  # message -> claim, of what stopped workers held
        self._swept: dict[int, Any] = {}  # message -> claim, of what the sweep found dead
        self._swept_at = 0.0

    def start_site(self, port: int) -> None:
        command = ["gunicorn", "benchmarks.chaos_app:site()", "-b", f"127.0.0.1:{port}", "--threads", "4"]
        self._others.append(_Process("site", [*command, "--log-level", "error"]))

    def end(self) -> None:
        for process in (*self._workers, *self._others):
            process.kill()
        self._flush()

    # -- the campaign ---------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        from django_messagecentral.campaigns import service, unconfirmed
        from django_messagecentral.campaigns.models import Campaign
        from django_messagecentral.messaging import recount
        from django_messagecentral.signals import message_status_changed

        message_status_changed.connect(self._note, weak=False)
        self._campaign = Campaign.objects.create(
            name="chaos",
            text="Hello ##var##, your balance is ##var2##.",
            sender_id="UTOMOB",
            status="ready",
        )
        add_recipients(self._campaign, self._options.recipients)
        service.launch(self._campaign)
        began = time.monotonic()
        self._workers = [self._new_worker() for _ in range(self._options.workers)]
        self._bring_about()
        self._until(self._is_over, SETTLE_SECONDS)
        seconds = time.monotonic() - began
        figures = self._judge()
        resent = 0
        if self._statuses()["unconfirmed"]:
            self._until(lambda: not unconfirmed.unconfirmed(self._campaign).too_fresh, SETTLE_SECONDS)
            resent = unconfirmed.resend_unconfirmed(self._campaign)
            self._until(self._is_over, SETTLE_SECONDS)
        last = self._judge()
        counted = recount.differences(self._campaign.pk) == []
        figures |= {
            "resent": resent,
            "repeated": last["repeated"],
            "lost": last["lost"] + figures["lost"],
            "delivered": last["delivered"],
            "seconds": round(seconds, 1),
            "counters_equal_recount": counted,
        }
        figures["passed"] = (
            figures["repeated"] == figures["lost"] == 0
            and figures["unconfirmed_at_worst_kill"] <= figures["in_flight_bound"]
            and figures["unconfirmed_settled"] + figures["never_left"] == figures["unconfirmed"]
            and figures["delivered"] == self._options.recipients
            and counted
        )
        return figures

    def _bring_about(self) -> None:
        """The events, spread evenly over the campaign."""
        options = self._options
        events = ["kill"] * options.kills + ["stop"] * options.stops + ["flush"] * options.flushes
        self._dice.shuffle(events)
        for number, event in enumerate(events, 1):
            goal = options.recipients * number // (len(events) + 1)
            self._until(lambda goal=goal: self._sent() >= goal, SETTLE_SECONDS)  # type: ignore[misc]
            time.sleep(self._dice.uniform(0, 0.3))
            awake = [worker for worker in self._workers if worker not in self._asleep]
            if event == "flush":
                self._flush()
            elif event == "stop" and len(awake) > 1:
                self._stop(self._dice.choice(awake))
            else:
                self._kill(self._dice.choice(awake))

    def _kill(self, worker: _Process) -> None:
        worker.kill()
        self._claimed.append(self._sending())
        self._workers[self._workers.index(worker)] = self._new_worker()

    def _stop(self, worker: _Process) -> None:
        from django_messagecentral.conf import app_settings
        from django_messagecentral.messaging.claims import longest_call

        worker.signal(signal.SIGSTOP)
        stopped_at, before = time.monotonic(), self._sending()
        self._asleep[worker] = stopped_at + app_settings.LEASE + longest_call() + 2 * SWEEP_SECONDS
        # What the others were sending is written by then, but for what earlier kills have left.
        self._until(lambda: time.monotonic() > stopped_at + WRITTEN_SECONDS, SETTLE_SECONDS)
        dead = {pk: claim for claimed in self._claimed for pk, claim in claimed.items()}
        held = before.items() & self._sending().items()
        self._slept_on |= dict(held - dead.items())

    def _sending(self) -> dict[int, Any]:
        from django_messagecentral.messaging.models import Message

        return dict(Message.objects.filter(status="sending").values_list("pk", "claim"))

    def _flush(self) -> None:
        """The broker forgets its tasks, those that workers hold too."""
        options = self._app.conf
        with self._app.connection_for_write() as broker:
            broker.default_channel.queue_delete(options.task_default_queue)
        if prefix := options.broker_transport_options.get("global_keyprefix"):
            import redis

            with redis.Redis.from_url(options.broker_url) as server:
                if keys := list(server.scan_iter(match=f"{prefix}*", count=1000)):
                    server.delete(*keys)

    def _new_worker(self) -> _Process:
        command = ["celery", "-A", "benchmarks.chaos_app", "worker", "-c", str(CHILDREN), "-l", "WARNING"]
        name = f"w{uuid.uuid4().hex[:6]}"
        return _Process("worker", [*command, "-n", name, "--without-mingle", "--without-gossip"])

    def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        """What beat does, and alarm clocks, until ``condition`` is true."""
        from django_messagecentral.campaigns.sweep import sweep

        ends = time.monotonic() + seconds
        while not condition():
            now = time.monotonic()
            if now > ends:
                raise SystemExit(f"not over within {seconds:g} s: {dict(self._statuses())}")
            for worker in [worker for worker, wakes in self._asleep.items() if wakes <= now]:
                worker.signal(signal.SIGCONT)
                del self._asleep[worker]
            if now >= self._swept_at + SWEEP_SECONDS:
                sweep()
                self._swept_at = now
            time.sleep(0.05)

    def _note(self, change: Any, **_: Any) -> None:
        """Of the sweeps of this process: they alone find dead claims."""
        from django_messagecentral.messaging.states import Cause

        if change.new == "unconfirmed" and change.cause is Cause.SWEEP:
            self._swept[change.message_id] = change.message.claim

    # -- the judge ------------------------------------------------------------------------------

    def _statuses(self) -> Counter[str]:
        from django_messagecentral.messaging.models import Message

        return Counter(Message.objects.filter(campaign=self._campaign).values_list("status", flat=True))

    def _sent(self) -> int:
        from django_messagecentral.messaging import counters

        counts = counters.read(self._campaign.pk)
        waiting = sum(counts.get(name, 0) for name in ("draft", "queued", "sending"))
        return int(self._options.recipients - waiting)

    def _is_over(self) -> bool:
        from django_messagecentral.callbacks.models import Callback
        from django_messagecentral.messaging.models import Message

        self._campaign.refresh_from_db()
        callbacks = self._stats()["callbacks"]
        return (
            self._campaign.status == "completed"
            and not self._asleep
            and not callbacks["pending"] + callbacks["posting"]
            and not Callback.objects.filter(state__in=("pending", "unmatched")).exists()
            and not Message.objects.filter(campaign=self._campaign, status="submitted").exists()
        )

    def _stats(self) -> dict[str, Any]:
        import requests

        return dict(requests.get(f"{self._url}/_sandbox/stats", timeout=30).json())

    def _judge(self) -> dict[str, Any]:
        """What the phones received beside what the rows say."""
        import requests

        from django_messagecentral.campaigns.dispatch import AHEAD_MOST
        from django_messagecentral.messaging.models import Message

        query = {"limit": 10 * self._options.recipients}
        texts = requests.get(f"{self._url}/_sandbox/messages", params=query, timeout=120).json()
        received = Counter("+" + text["mobile"] for text in texts)
        rows = Message.objects.filter(campaign=self._campaign).values_list("pk", "phone", "status")
        status = {phone: state for _pk, phone, state in rows}
        delivered = {phone for phone, state in status.items() if state == "delivered"}
        # Nobody's: no text and no end that says so, or a text and no word of it.
        ends = {"delivered", "unconfirmed", "failed"}
        lost = {phone for phone, state in status.items() if state not in ends} | (delivered ^ set(received))
        swept = {phone for pk, phone, _state in rows if pk in self._swept}
        return {
            "kills": len(self._claimed),
            "stops": self._options.stops,
            "flushes": self._options.flushes,
            "recipients": self._options.recipients,
            "delivered": len(delivered),
            "repeated": sum(received.values()) - len(received),
            "lost": len(lost),
            "unconfirmed": len(swept),
            "unconfirmed_settled": len(swept & delivered),
            "never_left": len({phone for phone in swept if status[phone] == "unconfirmed"} - set(received)),
            "unconfirmed_by_kills": sum(self._dead_by_kill()),
            "unconfirmed_at_worst_kill": max(self._dead_by_kill(), default=0),
            "in_flight_bound": CHILDREN * AHEAD_MOST * THREADS,
        }

    def _dead_by_kill(self) -> list[int]:
        """Of each kill, how many of the messages that were being sent then the sweep found dead later."""
        seen = {pk for pk, claim in self._slept_on.items() if self._swept.get(pk) == claim}
        dead = []
        for claimed in self._claimed:
            of_kill = {pk for pk, claim in claimed.items() if self._swept.get(pk) == claim and pk not in seen}
            seen |= of_kill
            dead.append(len(of_kill))
        return dead


class _Process:
    """A process of the site, in a group of its own with its children."""

    def __init__(self, name: str, command: list[str]) -> None:
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "benchmarks.chaos_settings"}
        log = Path(os.environ["BENCHMARK_HOME"]) / f"{name}.log"
        with open(log, "ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=environment,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
        self._process.wait()
