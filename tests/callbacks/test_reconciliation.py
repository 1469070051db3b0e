"""Delivery reports meet their messages, in whatever order the facts arrive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_messagecentral import signals
from django_messagecentral.callbacks import deciding, processing
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.messaging import counters
from django_messagecentral.messaging.models import Message, Rate
from django_messagecentral.messaging.states import Status

pytestmark = [pytest.mark.django_db, pytest.mark.db]

PHONE = "+919876543210"
NOW = datetime(2026, 11, 2, 10, 0, 0, tzinfo=UTC)


def message(**fields: Any) -> Message:
    return Message.objects.create(
        **{
            "phone": PHONE,
            "status": Status.SUBMITTED,
            "transaction_id": "t-1",
            "submitted_at": NOW,
            "segments": 1,
            **fields,
        }
    )


def vendor_time(moment: datetime) -> str:
    return (moment + timedelta(hours=5, minutes=30)).strftime("%Y-%m-%d %H:%M:%S")


def report(
    status: str = "DELIVRD", *, message_id: str = "t-1", phone: str = PHONE, done: int = 4, **extra: Any
) -> dict[str, Any]:
    return {
        "messageId": message_id,
        "status": status,
        "errorCode": 0,
        "mobile": phone[1:],
        "submitDate": vendor_time(NOW),
        "doneDate": vendor_time(NOW + timedelta(seconds=done)),
        **extra,
    }


def process() -> None:
    Callback.objects.update(next_try_at=timezone.now())
    while processing.process_batch():
        pass


def fate(row: Message) -> str:
    row.refresh_from_db()
    return row.status


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("DELIVRD", Status.DELIVERED),
        ("UNDELIV", Status.UNDELIVERED),
        ("EXPIRED", Status.EXPIRED),
        ("REJECTD", Status.REJECTED),
        ("UNKNOWN", Status.UNKNOWN),
    ],
)
def test_each_of_the_vendors_words(word: str, status: Status) -> None:
    row = message()
    receive(report(word, errorCode="17"))
    process()
    assert fate(row) == status
    assert row.done_at == NOW + timedelta(seconds=4)
    assert row.error_code == "17"
    assert Callback.objects.get().state == Callback.State.APPLIED


def test_a_word_nobody_knows_is_kept_for_a_person() -> None:
    row = message()
    receive(report("MAYBE"))
    process()
    assert fate(row) == Status.SUBMITTED
    assert Callback.objects.get().state == Callback.State.PARKED


def test_recipients_of_one_bulk_call_are_told_apart_by_phone() -> None:
    first, second = message(), message(phone="+919876543211")
    receive([report(phone="+919876543211"), report("UNDELIV")])
    process()
    assert (fate(first), fate(second)) == (Status.UNDELIVERED, Status.DELIVERED)


def test_a_known_id_with_a_foreign_phone_waits_for_a_person() -> None:
    row = message()
    receive(report(phone="+919999999999"))
    for _ in range(deciding.FOREIGN_TRIES):  # its own row may be a moment late
        assert Callback.objects.get().state != Callback.State.PARKED
        process()
    assert fate(row) == Status.SUBMITTED
    assert Callback.objects.get().state == Callback.State.PARKED


class TestAStrangeId:
    def test_one_unsettled_message_of_that_phone_takes_it_and_learns_the_id(self) -> None:
        row = message(transaction_id="ours")
        receive(report("UNDELIV", message_id="theirs"))
        process()
        assert fate(row) == Status.UNDELIVERED
        assert row.vendor_message_id == "theirs"
        receive(report("DELIVRD", message_id="theirs", done=60))
        process()
        assert fate(row) == Status.DELIVERED

    def test_several_candidates_wait_for_a_person(self) -> None:
        rows = [message(transaction_id="a"), message(transaction_id="b")]
        receive(report(message_id="theirs"))
        process()
        assert {fate(row) for row in rows} == {Status.SUBMITTED}
        assert Callback.objects.get().state == Callback.State.PARKED

    def test_when_the_others_are_settled_the_one_that_is_left_takes_it(self) -> None:
        first, second = message(transaction_id="a"), message(transaction_id="b")
        receive(report("UNDELIV", message_id="theirs"))
        process()
        assert Callback.objects.get().state == Callback.State.PARKED
        receive(report(message_id="b"))
        process()
        assert (fate(first), fate(second)) == (Status.UNDELIVERED, Status.DELIVERED)
        assert first.vendor_message_id == "theirs"

    def test_two_strange_ids_never_share_a_message(self) -> None:
        row = message(transaction_id="a")
        receive([report("UNDELIV", message_id="x"), report(message_id="y")])
        process()
        assert (fate(row), row.vendor_message_id) == (Status.UNDELIVERED, "x")
        assert Callback.objects.get(vendor_message_id="y").state == Callback.State.UNMATCHED

    def test_a_message_of_another_hour_does_not_take_it(self) -> None:
        row = message(transaction_id="a", submitted_at=NOW - timedelta(hours=1))
        receive(report(message_id="theirs"))
        process()
        assert fate(row) == Status.SUBMITTED
        assert Callback.objects.get().state == Callback.State.UNMATCHED

    def test_while_one_is_still_being_sent_nobody_guesses(self) -> None:
        row = message(transaction_id="a")
        message(transaction_id="", status=Status.SENDING, submitted_at=None)
        receive(report(message_id="theirs"))
        process()
        assert fate(row) == Status.SUBMITTED

    def test_an_unconfirmed_message_is_settled_and_charged(self) -> None:
        Rate.objects.create(price="0.5")
        campaign = Campaign.objects.create(name="c", text="t")
        row = message(transaction_id="", status=Status.UNCONFIRMED, campaign=campaign, segments=2)
        receive(report(message_id="theirs"))
        process()
        assert fate(row) == Status.DELIVERED
        counts = counters.read(campaign.pk)
        assert (counts["segments"], counts["cost_micros"]) == (2, 1_000_000)


def test_a_report_that_comes_before_the_sends_own_answer_finds_it_later() -> None:
    receive(report())
    process()
    assert Callback.objects.get().state == Callback.State.UNMATCHED
    assert Callback.objects.get().next_try_at > timezone.now()
    row = message()
    process()
    assert fate(row) == Status.DELIVERED


def test_a_report_for_what_never_left_waits_for_a_person() -> None:
    row = message(status=Status.CANCELLED, submitted_at=None)
    receive(report())
    process()
    assert fate(row) == Status.CANCELLED
    assert Callback.objects.get().state == Callback.State.PARKED


def test_each_change_is_announced_once(django_capture_on_commit_callbacks: Any) -> None:
    message()
    changes: list[tuple[str, str]] = []

    def listen(change: Any, **_: Any) -> None:
        changes.append((change.old, change.new))

    signals.message_status_changed.connect(listen)
    try:
        for _repeat in range(3):
            with django_capture_on_commit_callbacks(execute=True):
                receive([report("UNDELIV"), report("DELIVRD", done=9), report("EXPIRED", done=5)])
                process()
    finally:
        signals.message_status_changed.disconnect(listen)
    assert changes == [("submitted", "delivered")]


def test_what_overtakes_within_one_batch_ends_as_it_would_one_by_one() -> None:
    row = message(status=Status.EXPIRED, done_at=NOW + timedelta(seconds=1))
    receive([report("UNDELIV", done=2), report("EXPIRED", done=3)])
    process()
    assert fate(row) == Status.EXPIRED
    assert row.done_at == NOW + timedelta(seconds=3)


def test_an_unconfirmed_message_with_two_reports_in_one_batch_is_charged() -> None:
    Rate.objects.create(price="0.5")
    campaign = Campaign.objects.create(name="c", text="t")
    row = message(status=Status.UNCONFIRMED, campaign=campaign)
    receive([report(done=4), report(done=5)])
    process()
    assert fate(row) == Status.DELIVERED
    assert str(row.cost) == "0.500000"


words = st.sampled_from(["DELIVRD", "UNDELIV", "EXPIRED", "REJECTD", "UNKNOWN", "MAYBE"])
histories = st.lists(st.tuples(words, st.integers(0, 4)), min_size=1, max_size=6)


@given(histories, st.randoms(use_true_random=False), st.integers(1, 3))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_order_repetition_and_batching_ends_in_the_same_state_and_counts(
    history: list[tuple[str, int]], random: Any, batch: int
) -> None:
    ends = set()
    for _ in range(2):
        Callback.objects.all().delete()
        Campaign.objects.all().delete()
        campaign = Campaign.objects.create(name="c", text="t")
        row = message(campaign=campaign)
        arrivals = [*history, *random.sample(history, random.randint(0, len(history)))]
        random.shuffle(arrivals)
        for start in range(0, len(arrivals), batch):
            receive([report(word, done=done) for word, done in arrivals[start : start + batch]])
            if random.random() < 0.5:
                process()
        process()
        row.refresh_from_db()
        counts = {name: n for name, n in counters.read(campaign.pk).items() if n and name != "submitted"}
        assert counts == ({row.status: 1} if row.status != Status.SUBMITTED else {})
        ends.add((row.status, row.done_at))
    assert len(ends) == 1
    if any(word == "DELIVRD" for word, _done in history):
        assert ends.pop()[0] == Status.DELIVERED
