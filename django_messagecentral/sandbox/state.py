"""Everything the sandbox remembers, and what happens to it. No I/O, no HTTP; safe from many threads."""

from __future__ import annotations

import heapq
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

from .clock import Clock
from .config import Config
from .counts import summary
from .delivery import plan
from .draw import Dice
from .model import Attempt, Call, Message, Report, Verification
from .params import Request
from .tokens import Tokens


class Journal(Protocol):
    """Where a sandbox with a file writes what happens."""

    def write(self, kind: str, thing: Any) -> None:
        """Note this thing; the last of its id counts."""

    def flush(self) -> None:
        """Make what was noted last."""

    def close(self) -> None:
        """Flush and let go."""


class State:
    """The phones, the codes, the reports and the counts.

    Methods take ``lock`` where they must; who does several steps as one holds it around them.
    """

    def __init__(self, config: Config, *, seed: int | None = None, clock: Clock | None = None) -> None:
        self.lock = threading.RLock()
        self.config = config
        self.clock = clock or Clock()
        self.tokens = Tokens()
        self.journal: Journal | None = None
        self.version = 0
        self.listeners: list[Callable[[], None]] = []
        self._news: Counter[str] = Counter()
        self.start(seed)

    def start(self, seed: int | None) -> None:
        """Begin with nothing received; settings, tokens and the clock stay."""
        self.dice = Dice(seed)
        self.calls: OrderedDict[int, Call] = OrderedDict()
        self.messages: dict[int, Message] = {}
        self.inboxes: dict[str, list[Message]] = {}
        self.verifications: dict[str, Verification] = {}
        self.living: dict[str, Verification] = {}
        self.reports: dict[int, Report] = {}
        self.counts: Counter[str] = Counter()
        self.asked: Counter[str] = Counter()
        self.last_call = 0
        self.last_message = 0
        self.last_report = 0
        number = self.dice.draw("first id").number()
        self.last_verification = (
            1000 if self.config.profile == "documented" else 1_000_000 + number % 3_000_000
        )
        self._due: list[tuple[float, int, Report]] = []
        self._seen: set[tuple[str, str]] = set()

    # What happened

    def changed(self) -> None:
        """Tell those who wait that something new is here."""
        self.version += 1
        self.flush()
        for listener in self.listeners:
            listener()

    def count(self, name: str, by: int = 1) -> None:
        """Add to a count of ``stats``."""
        self.counts[name] += by
        if self.journal is not None:
            self._news[name] += by

    def ask(self, mobile: str) -> int:
        """How many sends named this number first before this one."""
        nth = self.asked[mobile]
        self.asked[mobile] = nth + 1
        self.keep("asked", {mobile: 1})
        return nth

    def turn(self, what: str) -> int:
        """How many draws of this kind there were before this one."""
        return self.ask(f"#{what}")

    def flush(self) -> None:
        """Make what happened last, if there is a journal."""
        if self.journal is not None:
            if self._news:
                self.journal.write("counts", dict(self._news))
                self._news.clear()
            self.journal.flush()

    def keep(self, kind: str, thing: Any) -> None:
        """Write a thing to the journal, if there is one."""
        if self.journal is not None:
            self.journal.write(kind, thing)

    def open_call(self, kind: str, request: Request) -> Call:
        """Note a request of the vendor's API as it came; the oldest beyond ``keep_requests`` go."""
        self.last_call += 1
        body = request.body if len(request.body) <= 65_536 else request.body[:65_536]
        call = Call(
            self.last_call, kind, self.clock.now(), request.method, request.target, request.headers, body
        )
        self.calls[call.id] = call
        while len(self.calls) > self.config.keep_requests:
            self.calls.popitem(last=False)
        return call

    def next_verification_id(self) -> str:
        """The next id: digits only (seen in public clients)."""
        self.last_verification += 1
        return str(self.last_verification)

    def living_code(self, mobile: str) -> Verification | None:
        """The verification of a number whose code still lives, or None."""
        found = self.living.get(mobile)
        if found is not None and (found.verified or found.expires_at <= self.clock.now()):
            del self.living[mobile]
            return None
        return found

    def add_verification(self, verification: Verification) -> None:
        """A new living verification of its number."""
        self.verifications[verification.id] = verification
        self.living[verification.mobile] = verification
        self.keep("verification", verification)

    def receive(self, message: Message, *, shared_id: bool, delay_from: float) -> Message:
        """A phone receives a text; its delivery reports are planned."""
        message.id = self.last_message + 1
        if message.kind != "otp" and (message.mobile, message.text) in self._seen:
            self.count("same_text_twice")
        number = self.remember(message)
        self.keep("message", message)
        self.count("texts_received")
        draw = self.dice.draw("report", message.mobile, number)
        callback_id = message.transaction_id if shared_id else draw.uuid()
        for report in plan(self.config, draw, message, callback_id, delay_from):
            self.add_report(message, report)
        return message

    def remember(self, message: Message) -> int:
        """Put a text into its inbox; answers how many were there before."""
        self.last_message = max(self.last_message, message.id)
        if message.kind != "otp":
            self._seen.add((message.mobile, message.text))
        inbox = self.inboxes.setdefault(message.mobile, [])
        inbox.append(message)
        self.messages[message.id] = message
        return len(inbox) - 1

    # Delivery reports

    def add_report(self, message: Message, report: Report) -> None:
        """Plan a report of a message."""
        self.last_report += 1
        report.id = self.last_report
        message.reports.append(report)
        self.reports[report.id] = report
        self.count("callbacks_planned")
        self.count(f"callbacks_{report.state}")
        heapq.heappush(self._due, (report.due_at, report.id, report))
        self.keep("report", report)

    def _move(self, report: Report, state: str) -> None:
        self.count(f"callbacks_{report.state}", -1)
        self.count(f"callbacks_{state}")
        report.state = state

    def next_due(self) -> float | None:
        """When the next report falls due, or None."""
        with self.lock:
            return self._due[0][0] if self._due else None

    def take_due(self, limit: int = 1000) -> list[Report]:
        """Reports that are due now and have to be posted; without a callback URL they end as "unposted"."""
        with self.lock:
            now = self.clock.now()
            found: list[Report] = []
            news = False
            while self._due and self._due[0][0] <= now and len(found) < limit:
                report = heapq.heappop(self._due)[2]
                if report.tries == 0:
                    news = True
                    self._happened(report)
                if self.config.callback_url is None:
                    self._move(report, "unposted")
                    self.keep("report", report)
                else:
                    self._move(report, "posting")
                    found.append(report)
            if news:
                self.changed()
            return found

    def _happened(self, report: Report) -> None:
        message = self.messages.get(report.message_id)
        if message is not None and all(
            other is report or other.state == "pending" or other.done_at <= report.done_at
            for other in message.reports
        ):
            message.status = report.status
            self.keep("status", [message.id, report.status])

    def known(self, report: Report) -> bool:
        """False for a report from before a reset."""
        return self.reports.get(report.id) is report

    def posted(self, report: Report, attempt: Attempt) -> None:
        """A POST of a report ended. Without a 2xx it is tried again as configured, then given up."""
        with self.lock:
            if not self.known(report):
                return
            report.tries += 1
            report.attempts.append(attempt)
            self.count("callback_posts")
            if attempt.http_status is not None and 200 <= attempt.http_status < 300:
                self._move(report, "answered")
            elif report.tries <= self.config.callback_retries:
                wait = self.config.callback_retry_delay * 2 ** min(report.tries - 1, 20)
                report.due_at = self.clock.now() + wait
                heapq.heappush(self._due, (report.due_at, report.id, report))
            else:
                self._move(report, "failed")
            self.keep("report", report)
            self.changed()

    def requeue(self, report: Report) -> None:
        """A report read back from a file that was not settled: due again at its time."""
        heapq.heappush(self._due, (report.due_at, report.id, report))

    # By hand

    def configure(self, /, **changes: Any) -> Config:
        """Change settings at once; raises ConfigError and changes nothing if one is wrong."""
        with self.lock:
            self.config = self.config.changed(**changes)
            self.keep("config", self.config)
            self.changed()
            return self.config

    def reset(self, seed: int | None = None) -> None:
        """Forget all phones, codes, reports and counts; settings, tokens and the clock stay."""
        with self.lock:
            self.start(self.dice.seed if seed is None else seed)
            self.keep("reset", self.dice.seed)
            self.changed()

    def clear(self, mobile: str) -> int:
        """Empty one phone's inbox and end its living code; the counts stay. Answers how many texts went."""
        with self.lock:
            texts = self.forget(mobile)
            self.keep("clear", mobile)
            self.changed()
            return texts

    def forget(self, mobile: str) -> int:
        """Drop one phone's texts and its living code; answers how many texts went."""
        gone = self.inboxes.pop(mobile, [])
        for message in gone:
            self.messages.pop(message.id, None)
        self.living.pop(mobile, None)
        return len(gone)

    def end_tokens(self, token: str | None = None) -> None:
        """Expire every token now, or one."""
        with self.lock:
            if token is None:
                self.tokens.revoke_all()
            else:
                self.tokens.revoke(token)
            self.keep("tokens", [self.tokens.secret.hex(), sorted(self.tokens.revoked)])
            self.changed()

    def move_clock(self, seconds: float) -> float:
        """Move the sandbox's clock; answers its time, seconds since the epoch."""
        with self.lock:
            self.clock.move(seconds)
            self.keep("clock", self.clock.offset)
            self.changed()
            return self.clock.now()

    def stats(self) -> dict[str, Any]:
        """Exact counts of what was received and what was reported."""
        with self.lock:
            return summary(self.counts, phones=len(self.inboxes))
