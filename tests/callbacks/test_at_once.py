"""Several processes work reports off while workers store answers for the same messages."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from django_messagecentral import signals
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.exceptions import Outcome
from django_messagecentral.messaging import recount
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.results import Result, record
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.wire import CallResult
from django_messagecentral.testing import assert_counts_agree
from tests.callbacks.test_reconciliation import NOW, message, report
from tests.verification.test_concurrency import at_once

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]

COUNT = 240
DRAINS, PULLERS = 3, 2


@pytest.fixture(autouse=True)
def no_other_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' tasks run at once, in the process that stores."""
    monkeypatch.setattr(processing, "call_worker", lambda: None)


def phone(number: int) -> str:
    return f"+9198765{number:05}"


def store_answers(claims: dict[UUID, list[Message]]) -> None:
    """What a puller writes: one call's answer for all of its claim."""
    for claim, rows in claims.items():
        call = CallResult(
            Outcome.ACCEPTED, NOW, NOW, code=200, http_status=200, transaction_id=f"bulk-{claim}"
        )
        record(claim, {row.pk: Result(call=call, segments=1) for row in rows})


def drain_until(over: threading.Event) -> None:
    while not over.wait(0.005):
        # Hurried on; but a hundred tries within a second are not the hours after which a report is parked.
        Callback.objects.filter(state="unmatched").update(next_try_at=timezone.now(), tries=0)
        processing.process_batch()


def test_every_message_ends_where_its_reports_say_and_each_change_is_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processing, "BATCH", 40)
    campaign = Campaign.objects.create(name="c", text="t")
    claims: defaultdict[UUID, list[Message]] = defaultdict(list)
    names = [uuid4() for _ in range(COUNT // 20)]
    for number in range(COUNT):
        claim = names[number // 20]
        claims[claim].append(
            message(
                phone=phone(number),
                campaign=campaign,
                status=Status.SENDING,
                claim=claim,
                transaction_id="",
                submitted_at=None,
            )
        )
    recount.mend(recount.differences(campaign.pk))
    told: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)

    def listen(change: Any, **_: Any) -> None:
        told[change.message_id].append((change.old, change.new))

    reports = [
        report(word, message_id=f"bulk-{row.claim}", phone=row.phone, done=done)
        for rows in claims.values()
        for row in rows
        for word, done in (("UNDELIV", 3), ("DELIVRD", 5), ("EXPIRED", 9))
    ]
    random.Random(7).shuffle(reports)
    over = threading.Event()
    answered = threading.Barrier(PULLERS + 1)

    def pull(part: int) -> None:
        store_answers({claim: claims[claim] for claim in names[part::PULLERS]})
        answered.wait(60)

    def webhook() -> None:
        for start in range(0, len(reports), 30):
            receive(reports[start : start + 30])
        answered.wait(60)
        over.set()

    signals.message_status_changed.connect(listen)
    try:
        calls: list[Callable[[], None]] = [webhook]
        calls += [lambda part=part: pull(part) for part in range(PULLERS)]  # type: ignore[misc]
        calls += [lambda: drain_until(over)] * DRAINS
        at_once(calls)
        for _ in range(5):
            Callback.objects.filter(state__in=("pending", "unmatched")).update(next_try_at=timezone.now())
            while processing.process_batch():
                pass
    finally:
        signals.message_status_changed.disconnect(listen)
    assert set(Message.objects.values_list("status", flat=True)) == {Status.DELIVERED}
    assert not Callback.objects.exclude(state__in=("applied", "no_change")).exists()
    assert_counts_agree(campaign)
    assert len(told) == COUNT
    for changes in told.values():
        steps, status = dict(changes), Status.SENDING.value
        assert len(steps) == len(changes)
        while status in steps:  # each change begins where another ended, from the first to the last
            status = steps.pop(status)
        assert (status, steps) == (Status.DELIVERED, {})


def test_two_reports_with_strange_ids_never_share_a_message() -> None:
    """Two processes find the same lonely messages; one writes, then the other looks again under its lock."""
    rows = [message(phone=phone(number), transaction_id=f"ours-{number}") for number in range(60)]
    receive([report("UNDELIV", message_id=f"x-{number}", phone=phone(number)) for number in range(60)])
    first = list(Callback.objects.values_list("pk", flat=True))
    receive([report("EXPIRED", message_id=f"y-{number}", phone=phone(number)) for number in range(60)])
    second = list(Callback.objects.exclude(pk__in=first).values_list("pk", flat=True))
    both_found, first_is_done = threading.Barrier(2), threading.Event()
    find = processing.find

    def slow_find(reports: Any) -> Any:
        answer = find(reports)
        try:
            both_found.wait(1)
        except threading.BrokenBarrierError:  # on SQLite only one can be here at a time
            return answer
        if reports[0].pk in second:
            assert first_is_done.wait(60)
        return answer

    def process_first() -> None:
        processing._process(first, [])
        first_is_done.set()

    processing.find = slow_find
    try:
        at_once([process_first, lambda: processing._process(second, [])])
    finally:
        processing.find = find
    for row in rows:
        row.refresh_from_db()
        (applied,) = row.callbacks.all()
        assert row.vendor_message_id == applied.vendor_message_id
    assert Callback.objects.filter(state="applied").count() == len(rows)
