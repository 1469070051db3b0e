"""Whatever happens to a history of delivery reports on its way, it ends in the same states and counts."""

from __future__ import annotations

import random as random_module
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.exceptions import Outcome
from django_messagecentral.messaging import counters, recount
from django_messagecentral.messaging.models import Message, Rate
from django_messagecentral.messaging.results import Result, record
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.wire import CallResult
from tests.callbacks.test_reconciliation import NOW, message, report

pytestmark = [pytest.mark.django_db, pytest.mark.db]

BULK = ["+919876500001", "+919876500002", "+919876500003"]  # one call, one id
LONE = "+919876500010"  # its reports bear an id that nobody gave us
EARLY = "+919876500020"  # its reports may come before the send's own answer is stored
DEAD = "+919876500030"  # its worker died: unconfirmed, no id
PHONES = [*BULK, LONE, EARLY, DEAD]
ID_OF = {**dict.fromkeys(BULK, "bulk"), LONE: "strange-1", EARLY: "early", DEAD: "strange-2"}

words = st.sampled_from(["DELIVRD", "UNDELIV", "EXPIRED", "REJECTD", "UNKNOWN"])
facts = st.tuples(st.sampled_from(PHONES), words, st.integers(0, 5))
histories = st.lists(facts, min_size=1, max_size=12, unique=True)

ANSWER_STORED = "the answer of the early one is stored"


def begin() -> Campaign:
    Callback.objects.all().delete()
    Campaign.objects.all().delete()
    campaign = Campaign.objects.create(name="c", text="t")
    for phone in BULK:
        message(phone=phone, campaign=campaign, transaction_id="bulk", cost="0.5")
    message(phone=LONE, campaign=campaign, transaction_id="ours-1", cost="0.5")
    message(phone=EARLY, campaign=campaign, transaction_id="", status=Status.SENDING, submitted_at=None)
    message(phone=DEAD, campaign=campaign, transaction_id="", status=Status.UNCONFIRMED)
    recount.mend(recount.differences(campaign.pk))
    return campaign


def store_the_answer(campaign: Campaign) -> None:
    """What the worker writes, whether or not a report was quicker."""
    row = Message.objects.get(campaign=campaign, phone=EARLY)
    Message.objects.filter(pk=row.pk).update(claim=(claim := uuid4()))
    call = CallResult(Outcome.ACCEPTED, NOW, NOW, code=200, http_status=200, transaction_id="early")
    record(claim, {row.pk: Result(call=call, segments=1)})


def process() -> None:
    """As the sweep would, hours later: until nothing moves."""
    for _ in range(3):
        Callback.objects.filter(state__in=("pending", "unmatched")).update(next_try_at=timezone.now())
        while processing.process_batch():
            pass


def live_through(history: list[Any], random: random_module.Random) -> dict[str, Any]:
    """Shuffled, repeated, delayed, in batches of any size, folded at any moment."""
    campaign = begin()
    events: list[Any] = [
        *history,
        *random.choices(history, k=random.randint(0, len(history))),
        ANSWER_STORED,
    ]
    random.shuffle(events)
    while events:
        batch, events = events[: (n := random.randint(1, 5))], events[n:]
        if ANSWER_STORED in batch:
            store_the_answer(campaign)
        reports = [
            report(word, message_id=ID_OF[phone], phone=phone, done=done)
            for phone, word, done in (event for event in batch if event != ANSWER_STORED)
        ]
        receive(reports)
        random.choice([process, counters.fold_all, processing.process_batch, int])()
    process()
    assert recount.differences(campaign.pk) == []
    assert not Callback.objects.filter(state__in=("pending", "parked")).exists()
    ends: dict[str, Any] = {
        row.phone: (row.status, row.done_at) for row in Message.objects.filter(campaign=campaign)
    }
    ends["counts"] = {name: n for name, n in counters.read(campaign.pk).items() if n}
    return ends


@given(histories, st.randoms(use_true_random=False))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_shuffled_repeated_and_delayed_reports_end_alike(history: list[Any], random: Any) -> None:
    Rate.objects.get_or_create(price="0.5")
    ends = live_through(history, random)
    assert ends == live_through(history, random)
    for phone in PHONES:
        own = [(word, done) for who, word, done in history if who == phone]
        if not own:  # all its reports were dropped on the way
            assert ends[phone][0] == (Status.UNCONFIRMED if phone == DEAD else Status.SUBMITTED)
        elif any(word == "DELIVRD" for word, _done in own):
            assert ends[phone][0] == Status.DELIVERED
        else:
            assert ends[phone][1] == NOW + timedelta(seconds=max(done for _word, done in own))
    assert sum(ends["counts"].get(status, 0) for status in Status) == len(PHONES)
