"""Whatever happens to a history of delivery reports on its way, it ends in the same states and counts."""

from __future__ import annotations

import random as random_module
from collections import defaultdict
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_messagecentral import signals
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
from django_messagecentral.testing import assert_counts_agree
from django_messagecentral.verification.models import Challenge
from tests.callbacks.test_codes import code
from tests.callbacks.test_reconciliation import NOW, message, report

pytestmark = [pytest.mark.django_db, pytest.mark.db]

BULK = ["+919876500001", "+919876500002", "+919876500003"]  # one call, one id
LONE = "+919876500010"  # its reports bear an id that nobody gave us; a code is sent to it too
EARLY = "+919876500020"  # its reports may come before the send's own answer is stored
DEAD = "+919876500030"  # its worker died: unconfirmed, no id
NAMELESS = "+919876500040"  # its reports name no phone
CODE = "the code"  # to LONE's phone; its reports may come before its id is stored
PHONES = [*BULK, LONE, EARLY, DEAD, NAMELESS]
ID_OF = {
    **dict.fromkeys(BULK, "bulk"),
    LONE: "strange-1",
    DEAD: "strange-2",
    EARLY: "early",
    NAMELESS: "single",
    CODE: "otp",
}
BEGINS_AS = {**dict.fromkeys(PHONES, "submitted"), EARLY: "sending", DEAD: "unconfirmed"}
STATUS_OF = {
    "UNKNOWN": Status.UNKNOWN,  # the weakest first
    "EXPIRED": Status.EXPIRED,
    "UNDELIV": Status.UNDELIVERED,
    "REJECTD": Status.REJECTED,
    "DELIVRD": Status.DELIVERED,
}
STRENGTH = list(STATUS_OF)

words = st.sampled_from(STRENGTH)
facts = st.tuples(st.sampled_from([*PHONES, CODE]), words, st.integers(0, 5))
histories = st.lists(facts, min_size=1, max_size=12, unique=True)

ANSWER_STORED = "the answer of the early one is stored"
CODE_STORED = "the code's id is stored"


def begin() -> Campaign:
    Callback.objects.all().delete()
    Campaign.objects.all().delete()
    Challenge.objects.all().delete()
    campaign = Campaign.objects.create(name="c", text="t")
    for phone in BULK:
        message(phone=phone, campaign=campaign, transaction_id="bulk", cost="0.5")
    message(phone=LONE, campaign=campaign, transaction_id="ours-1", cost="0.5")
    message(phone=EARLY, campaign=campaign, transaction_id="", status=Status.SENDING, submitted_at=None)
    message(phone=DEAD, campaign=campaign, transaction_id="", status=Status.UNCONFIRMED)
    message(phone=NAMELESS, campaign=campaign, transaction_id="single", cost="0.5")
    code("", phone=LONE, status="sending")
    recount.mend(recount.differences(campaign.pk))
    return campaign


def store_the_answer(campaign: Campaign) -> None:
    """What the worker writes, whether or not a report was quicker."""
    row = Message.objects.get(campaign=campaign, phone=EARLY)
    Message.objects.filter(pk=row.pk).update(claim=(claim := uuid4()))
    call = CallResult(Outcome.ACCEPTED, NOW, NOW, code=200, http_status=200, transaction_id="early")
    record(claim, {row.pk: Result(call=call, segments=1)})


def process() -> None:
    """As the sweep would, hours later: until nothing moves. A long history must not use up a day's tries."""
    for _ in range(3):
        Callback.objects.filter(state__in=("pending", "unmatched")).update(
            next_try_at=timezone.now(), tries=0
        )
        while processing.process_batch():
            pass


def reported(fact: tuple[str, str, int]) -> dict[str, Any]:
    whose, word, done = fact
    fields: dict[str, Any] = {"mobile": None} if whose == NAMELESS else {}
    phone = LONE if whose == CODE else whose
    return report(word, message_id=ID_OF[whose], phone=phone, done=done, **fields)


def arrive(campaign: Campaign, history: list[Any], random: random_module.Random) -> None:
    """Shuffled, repeated, delayed, in batches of any size, folded at any moment."""
    again = random.choices(history, k=random.randint(0, len(history)))
    events: list[Any] = [*history, *again, ANSWER_STORED, CODE_STORED]
    random.shuffle(events)
    while events:
        batch, events = events[: (n := random.randint(1, 5))], events[n:]
        if ANSWER_STORED in batch:
            store_the_answer(campaign)
        if CODE_STORED in batch:
            Challenge.objects.update(transaction_id="otp", status="living")
        receive([reported(event) for event in batch if isinstance(event, tuple)])
        random.choice([process, counters.fold_all, processing.process_batch, int])()
    process()


def live_through(history: list[Any], random: random_module.Random, capture: Any) -> dict[str, Any]:
    """How it ends, after what every history must keep."""
    campaign = begin()
    changes: defaultdict[int, list[tuple[str, str]]] = defaultdict(list)

    def listen(change: Any, **_: Any) -> None:
        changes[change.message_id].append((change.old, change.new))

    signals.message_status_changed.connect(listen)
    try:
        with capture(execute=True):
            arrive(campaign, history, random)
    finally:
        signals.message_status_changed.disconnect(listen)
    assert_counts_agree(campaign)
    assert not Callback.objects.filter(state__in=("pending", "parked")).exists()
    rows = list(Message.objects.filter(campaign=campaign))
    for row in rows:  # told once a change, in order: from what it was to what it is
        told = [BEGINS_AS[row.phone], *(new for _old, new in changes[row.pk])]
        assert [old for old, _new in changes[row.pk]] == told[:-1]
        assert told[-1] == row.status
    ends: dict[str, Any] = {row.phone: (row.status, row.done_at) for row in rows}
    ends[CODE] = sorted(Challenge.objects.get().callbacks.values_list("vendor_status", F("done_at")))
    ends["counts"] = {name: n for name, n in counters.read(campaign.pk).items() if n}
    return ends


@given(history=histories, random=st.randoms(use_true_random=False))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_shuffled_repeated_and_delayed_reports_end_alike(
    history: list[Any], random: Any, django_capture_on_commit_callbacks: Any
) -> None:
    Rate.objects.get_or_create(price="0.5")
    ends = live_through(history, random, django_capture_on_commit_callbacks)
    assert ends == live_through(history, random, django_capture_on_commit_callbacks)
    for phone in PHONES:
        own = [(word, done) for who, word, done in history if who == phone]
        if not own:  # all its reports were dropped on the way
            assert ends[phone][0] == (Status.UNCONFIRMED if phone == DEAD else Status.SUBMITTED)
            continue
        delivered = [done for word, done in own if word == "DELIVRD"]
        done, strongest = max((done, STRENGTH.index(word)) for word, done in own)
        word = "DELIVRD" if delivered else STRENGTH[strongest]
        done = max(delivered) if delivered else done
        assert ends[phone] == (STATUS_OF[word], NOW + timedelta(seconds=done))
    of_the_code = [(word, NOW + timedelta(seconds=done)) for who, word, done in history if who == CODE]
    assert ends[CODE] == sorted(of_the_code)
    assert sum(ends["counts"].get(status, 0) for status in Status) == len(PHONES)
