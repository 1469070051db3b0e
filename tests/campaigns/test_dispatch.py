"""Messages leave once each, at the pace that was set, and stop when somebody says so."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import InterfaceError, OperationalError, connection
from django.db.models import F
from django.utils import timezone

from django_messagecentral.backends import get_backend
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns import dispatch as dispatching
from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.dispatch import dispatch
from django_messagecentral.campaigns.models import Campaign, DispatchSlot
from django_messagecentral.campaigns.report import report
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.campaigns.sweep import settle_dead_claims, sweep
from django_messagecentral.exceptions import Outcome
from django_messagecentral.messaging import pace
from django_messagecentral.messaging.claims import claim
from django_messagecentral.messaging.delivery import carry, pack
from django_messagecentral.messaging.models import Attempt, Message, Suppression
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.results import NOT_STARTED, record
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import move
from django_messagecentral.sandbox import SandboxServer
from tests.campaigns.conftest import CampaignMaker, mobile

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]


@pytest.fixture(autouse=True)
def no_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests call the pullers themselves."""
    monkeypatch.setattr(service, "call_pullers", lambda campaign_id: None)


def tune(settings: Any, **values: Any) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, **values}


def statuses(campaign: Campaign) -> Counter[str]:
    return Counter(Message.objects.of_campaign(campaign).values_list("status", flat=True))


def received(sandbox: SandboxServer) -> Counter[str]:
    return Counter(message["mobile"] for message in sandbox.messages())


def test_every_recipient_gets_their_own_text_once(
    make_campaign: CampaignMaker, on_sandbox: SandboxServer
) -> None:
    campaign = service.launch(make_campaign(120))
    assert dispatch(campaign.pk) is False
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.COMPLETED
    assert received(on_sandbox) == {"91" + mobile(n): 1 for n in range(120)}
    assert on_sandbox.messages("91" + mobile(7))[0]["text"] == "Hello N7, your balance is 8."
    assert statuses(campaign) == {Status.SUBMITTED: 120}
    numbers = report(campaign)
    assert (numbers.submitted, numbers.segments, numbers.waiting) == (120, 120, 0)
    assert Attempt.objects.filter(outcome="accepted").count() == 120
    assert len(set(Message.objects.values_list("transaction_id", flat=True))) == 120


def test_numbers_that_fail_do_not_stop_the_others(
    make_campaign: CampaignMaker, on_sandbox: SandboxServer
) -> None:
    magic = {"7999000511": Status.FAILED, "7999000603": Status.UNCONFIRMED, "7999000504": Status.UNCONFIRMED}
    rows = [[91, mobile(n), "A", 1, "x"] for n in range(20)] + [[91, number, "A", 1, "x"] for number in magic]
    campaign = service.launch(make_campaign(rows=rows))
    dispatch(campaign.pk)
    assert statuses(campaign) == {Status.SUBMITTED: 20, Status.FAILED: 1, Status.UNCONFIRMED: 2}
    for number, status in magic.items():
        row = Message.objects.get(phone=f"+91{number}")
        assert row.status == status
        assert row.error


def test_what_never_left_waits_and_is_tried_again(
    make_campaign: CampaignMaker, on_sandbox: SandboxServer
) -> None:
    campaign = service.launch(make_campaign(rows=[[91, "7999000800", "A", 1, "x"]]))
    dispatch(campaign.pk)
    row = Message.objects.get()
    assert row.status == Status.QUEUED
    assert row.not_before is not None
    assert row.not_before > row.updated_at
    assert row.attempts.get().outcome == "never_left"
    assert row.claim is None
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.SENDING


def test_an_opt_out_after_the_import_is_kept(make_campaign: CampaignMaker, on_sandbox: SandboxServer) -> None:
    campaign = service.launch(make_campaign(3))
    Suppression.objects.create(phone="+91" + mobile(1), reason="STOP")
    dispatch(campaign.pk)
    assert "91" + mobile(1) not in received(on_sandbox)
    assert statuses(campaign) == {Status.SUBMITTED: 2, Status.SUPPRESSED: 1}
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.COMPLETED


@pytest.mark.parametrize("stop", [service.pause, service.cancel], ids=["pause", "cancel"])
def test_pause_and_cancel_act_within_two_seconds_and_lose_nothing(
    stop: Any, make_campaign: CampaignMaker, on_sandbox: SandboxServer, settings: Any
) -> None:
    tune(settings, DISPATCH_THREADS=4, DISPATCH_SLICE=30.0)
    on_sandbox.configure(latency=0.05)
    campaign = service.launch(make_campaign(1000))
    stopped: list[float] = []

    def press() -> None:
        time.sleep(1.0)
        stop(Campaign.objects.get(pk=campaign.pk))
        stopped.append(time.monotonic())
        connection.close()

    presser = threading.Thread(target=press)
    presser.start()
    dispatch(campaign.pk)
    ended = time.monotonic()
    presser.join()
    assert ended - stopped[0] < 2.0
    counts = statuses(campaign)
    assert counts[Status.SENDING] == 0
    sent = counts[Status.SUBMITTED]
    assert 0 < sent < 1000
    assert len(received(on_sandbox)) == sum(received(on_sandbox).values()) == sent
    if stop is service.pause:
        on_sandbox.configure(latency=0)
        service.resume(Campaign.objects.get(pk=campaign.pk))
        tune(settings, DISPATCH_THREADS=16)
        dispatch(campaign.pk)
        assert statuses(campaign) == {Status.SUBMITTED: 1000}
        assert max(received(on_sandbox).values()) == 1
    else:
        sweep()
        assert statuses(campaign) == {Status.SUBMITTED: sent, Status.CANCELLED: 1000 - sent}


def test_the_kill_switch_stops_before_the_next_call(
    make_campaign: CampaignMaker, on_sandbox: SandboxServer, settings: Any
) -> None:
    campaign = service.launch(make_campaign(5))
    tune(settings, SENDING_ENABLED=False)
    dispatch(campaign.pk)
    assert not on_sandbox.messages()
    assert statuses(campaign)[Status.SENDING] == 0


def test_refused_credentials_pause_the_campaign_with_the_reason(
    make_campaign: CampaignMaker, on_sandbox: SandboxServer, settings: Any
) -> None:
    tune(settings, PASSWORD="wrong")
    campaign = service.launch(make_campaign(5))
    dispatch(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.PAUSED
    assert "credentials" in campaign.status_reason
    assert "wrong" not in campaign.status_reason
    assert statuses(campaign) == {Status.QUEUED: 5}


def test_a_run_of_failures_pauses_the_campaign(
    make_campaign: CampaignMaker, on_sandbox: SandboxServer, settings: Any
) -> None:
    tune(settings, BREAKER_FAILURES=10, DISPATCH_THREADS=4)
    on_sandbox.configure(errors={"500": 1.0})
    campaign = service.launch(make_campaign(200))
    dispatch(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.PAUSED
    assert "10 sends in a row failed" in campaign.status_reason
    assert statuses(campaign)[Status.UNCONFIRMED] < 40


def test_the_pace_is_kept(make_campaign: CampaignMaker, on_sandbox: SandboxServer) -> None:
    campaign = service.launch(make_campaign(60, pace=20.0))
    began = time.monotonic()
    dispatch(campaign.pk)
    seconds = time.monotonic() - began
    assert statuses(campaign) == {Status.SUBMITTED: 60}
    # A second's worth may leave at once, the other forty take two seconds.
    assert seconds > 1.9


def test_a_second_puller_finds_no_seat(
    make_campaign: CampaignMaker, on_sandbox: SandboxServer, settings: Any
) -> None:
    campaign = service.launch(make_campaign(5))
    lease = timezone.now() + timedelta(minutes=5)
    DispatchSlot.objects.filter(campaign=campaign).update(claim=uuid.uuid4(), lease_until=lease)
    assert dispatch(campaign.pk) is False
    assert not on_sandbox.messages()


def test_of_two_people_who_press_launch_one_wins(make_campaign: CampaignMaker) -> None:
    campaign = make_campaign(3)
    first, second = Campaign.objects.get(pk=campaign.pk), Campaign.objects.get(pk=campaign.pk)
    service.launch(first)
    with pytest.raises(service.CampaignError, match="sending"):
        service.launch(second)


def test_who_presses_launch_after_the_last_draft_was_queued_is_told_so(
    make_campaign: CampaignMaker, on_sandbox: SandboxServer
) -> None:
    campaign = make_campaign(3)
    late = Campaign.objects.get(pk=campaign.pk)
    dispatch(service.launch(campaign).pk)
    with pytest.raises(service.CampaignError, match="is completed, so it cannot become sending"):
        service.launch(late)


def test_nothing_is_launched_without_recipients(make_campaign: CampaignMaker) -> None:
    campaign = make_campaign(rows=[[91, "1", "bad", 1, "x"]])
    with pytest.raises(service.CampaignError, match="no recipients"):
        service.launch(campaign)


class TestDeadWorkers:
    def queue(self, campaign: Campaign) -> None:
        service.launch(campaign)
        move(Message.objects.of_campaign(campaign), Status.DRAFT, Status.QUEUED, Cause.PLAN)

    def test_what_a_dead_worker_held_becomes_unconfirmed_and_is_never_sent_again(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer, settings: Any
    ) -> None:
        campaign = make_campaign(10)
        self.queue(campaign)
        assert len(claim(Message.objects.of_campaign(campaign), 4).rows) == 4  # and the worker dies
        assert settle_dead_claims() == 0  # its longest call may still be under way
        Message.objects.filter(status=Status.SENDING).update(lease_until=timezone.now() - timedelta(hours=1))
        assert settle_dead_claims() == 4
        dispatch(campaign.pk)
        assert statuses(campaign) == {Status.SUBMITTED: 6, Status.UNCONFIRMED: 4}
        assert sum(received(on_sandbox).values()) == 6

    def test_a_worker_that_wakes_up_after_its_lease_starts_no_call(
        self, make_campaign: CampaignMaker, settings: Any
    ) -> None:
        campaign = make_campaign(1)
        self.queue(campaign)
        tune(settings, LEASE=0.05)
        held = claim(Message.objects.of_campaign(campaign), 1)
        assert held.may_start()
        time.sleep(0.06)
        assert not held.may_start()

    def test_a_worker_that_sleeps_while_it_fetches_its_token_sends_nothing_when_it_wakes(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer, settings: Any
    ) -> None:
        campaign = make_campaign(1)
        self.queue(campaign)
        cache.clear()
        tune(settings, LEASE=0.3)
        on_sandbox.configure(latency=0.5)  # of the token's answer too: the lease ends while it is waited for
        held = claim(Message.objects.of_campaign(campaign), 1)
        parcel = pack(held.rows[0], "Hello", RateCard.of_day())
        answer = carry(get_backend(), held, parcel)
        assert answer is not None
        assert answer.outcome is Outcome.NEVER_LEFT
        Message.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        settle_dead_claims()
        record(held.id, parcel.results(answer))
        row = Message.objects.get()
        assert row.status == Status.UNCONFIRMED
        assert "nothing was sent" in row.error
        assert received(on_sandbox) == {}

    def test_what_surely_never_left_says_so_to_the_person_who_decides(
        self, make_campaign: CampaignMaker
    ) -> None:
        campaign = make_campaign(1)
        self.queue(campaign)
        held = claim(Message.objects.of_campaign(campaign), 1)
        Message.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        settle_dead_claims()
        record(held.id, {held.rows[0].pk: NOT_STARTED})
        row = Message.objects.get()
        assert (row.status, row.submitted_at) == (Status.UNCONFIRMED, None)
        assert "safe to send it again" in row.error

    def test_a_late_answer_still_settles_what_the_sweep_gave_up(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        campaign = make_campaign(1)
        self.queue(campaign)
        held = claim(Message.objects.of_campaign(campaign), 1)
        parcel = pack(held.rows[0], "Hello", RateCard.of_day())
        results = parcel.results(carry(get_backend(), held, parcel))
        Message.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        settle_dead_claims()
        assert statuses(campaign) == {Status.UNCONFIRMED: 1}
        record(held.id, results)
        row = Message.objects.get()
        assert row.status == Status.SUBMITTED
        assert row.transaction_id


class TestSchedule:
    def test_a_campaign_starts_at_its_time(self, make_campaign: CampaignMaker) -> None:
        campaign = service.launch(make_campaign(2), at=timezone.now() + timedelta(minutes=5))
        assert campaign.status == CampaignStatus.SCHEDULED
        sweep()
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.SCHEDULED
        Campaign.objects.update(scheduled_at=timezone.now() - timedelta(seconds=5))
        sweep()
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.SENDING

    def test_a_start_missed_by_more_than_an_hour_waits_for_a_person(
        self, make_campaign: CampaignMaker
    ) -> None:
        campaign = service.launch(make_campaign(2), at=timezone.now() + timedelta(minutes=5))
        Campaign.objects.update(scheduled_at=timezone.now() - timedelta(hours=2))
        sweep()
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.PAUSED
        assert "missed" in campaign.status_reason

    def test_a_restored_snapshot_waits_for_a_person(self, make_campaign: CampaignMaker) -> None:
        campaign = service.launch(make_campaign(2))
        Campaign.objects.update(heartbeat_at=timezone.now() - timedelta(hours=2))
        sweep()
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.PAUSED
        assert "over an hour" in campaign.status_reason

    def test_a_task_from_before_the_silence_sends_nothing(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        """A worker may find the broker's old tasks before the sweep has looked."""
        campaign = service.launch(make_campaign(2))
        Campaign.objects.update(heartbeat_at=timezone.now() - timedelta(hours=2))
        assert dispatch(campaign.pk) is False
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.PAUSED
        assert received(on_sandbox) == {}
        dispatch(service.resume(campaign).pk)
        assert sum(received(on_sandbox).values()) == 2

    def test_a_campaign_whose_messages_all_wait_is_healthy(self, make_campaign: CampaignMaker) -> None:
        """Quiet hours, for instance. The sweep goes on giving signs of life for it."""
        campaign = service.launch(make_campaign(2))
        move(Message.objects.of_campaign(campaign), Status.DRAFT, Status.QUEUED, Cause.PLAN)
        Message.objects.update(not_before=timezone.now() + timedelta(hours=9))
        for _half_an_hour in range(4):
            Campaign.objects.update(heartbeat_at=F("heartbeat_at") - timedelta(minutes=30))
            sweep()
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.SENDING

    def test_a_site_that_does_not_send_pauses_nothing(
        self, make_campaign: CampaignMaker, settings: Any
    ) -> None:
        campaign = service.launch(make_campaign(2))
        tune(settings, SENDING_ENABLED=False)
        for _half_an_hour in range(4):
            Campaign.objects.update(heartbeat_at=F("heartbeat_at") - timedelta(minutes=30))
            sweep()
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.SENDING

    def test_a_snapshot_of_a_waiting_campaign_waits_for_a_person_too(
        self, make_campaign: CampaignMaker
    ) -> None:
        campaign = service.launch(make_campaign(2))
        move(Message.objects.of_campaign(campaign), Status.DRAFT, Status.QUEUED, Cause.PLAN)
        Message.objects.update(not_before=timezone.now() - timedelta(minutes=10))
        Campaign.objects.update(heartbeat_at=timezone.now() - timedelta(hours=2))
        sweep()
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.PAUSED

    def test_a_pause_as_the_last_answers_come_does_not_keep_it_open(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        campaign = service.launch(make_campaign(2))
        dispatch(campaign.pk)
        Campaign.objects.update(status=CampaignStatus.PAUSED, completed_at=None)
        sweep()
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.PAUSED  # somebody may be about to queue messages again
        Campaign.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=2))
        sweep()
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.COMPLETED


class TestManyAtOnce:
    """The vendor's two bulk modes."""

    def test_one_text_for_all_goes_in_few_calls_and_reaches_each_once(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer, settings: Any
    ) -> None:
        tune(settings, BULK_SIZE=50)
        campaign = service.launch(make_campaign(220, text="The shop is closed today."))
        dispatch(campaign.pk)
        assert received(on_sandbox) == {"91" + mobile(n): 1 for n in range(220)}
        assert statuses(campaign) == {Status.SUBMITTED: 220}
        calls = on_sandbox.stats()["sends"]["calls"]
        assert 5 <= calls < 30
        assert Message.objects.values("transaction_id").distinct().count() == calls
        assert report(campaign).segments == 220

    def test_a_bad_number_never_sinks_its_call(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        rows = [[91, mobile(n), "A"] for n in range(40)]
        rows[7][1], rows[29][1] = "7999000511", "7999000400"
        campaign = service.launch(make_campaign(rows=rows, text="The shop is closed today."))
        dispatch(campaign.pk)
        assert statuses(campaign) == {Status.SUBMITTED: 38, Status.FAILED: 2}
        failed = (
            Message.objects.filter(status=Status.FAILED).order_by("pk").values_list("phone", "error_code")
        )
        assert list(failed) == [("+917999000511", "511"), ("+917999000400", "400")]
        assert sum(received(on_sandbox).values()) == 38
        assert max(received(on_sandbox).values()) == 1

    def test_the_vendors_file_mode_writes_each_their_own_text(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        rows = [[91, mobile(n), f"@N{n}", n + 1, "+x"] for n in range(30)]
        text = "Hello ##var3##, ##var1## owes ##var2##. Bye ##var3##!"
        campaign = service.launch(make_campaign(rows=rows, text=text, mode="file"), at=None)
        dispatch(campaign.pk)
        assert statuses(campaign) == {Status.SUBMITTED: 30}
        assert on_sandbox.messages("91" + mobile(4))[0]["text"] == "Hello +x, @N4 owes 5. Bye +x!"
        assert on_sandbox.stats()["sends"]["calls"] <= 3

    def test_reports_of_a_bulk_call_find_each_recipient_by_number(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        rows = [[91, mobile(1), "A"], [91, "7999000010", "A"], [91, "7999000012", "A"]]
        campaign = service.launch(make_campaign(rows=rows, text="The shop is closed today."))
        dispatch(campaign.pk)
        shared = Message.objects.values_list("transaction_id", flat=True).distinct().get()
        for phone, word in ((mobile(1), "DELIVRD"), ("7999000010", "UNDELIV"), ("7999000012", "REJECTD")):
            receive({"messageId": shared, "mobile": f"91{phone}", "status": word, "errorCode": 0})
        assert statuses(campaign) == {Status.DELIVERED: 1, Status.UNDELIVERED: 1, Status.REJECTED: 1}

    def test_a_lost_answer_makes_the_whole_call_unconfirmed(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        on_sandbox.configure(errors={"reset_after": 1.0})
        campaign = service.launch(make_campaign(20, text="The shop is closed today."))
        dispatch(campaign.pk)
        assert statuses(campaign) == {Status.UNCONFIRMED: 20}
        assert max(received(on_sandbox).values()) == 1


def test_campaigns_that_send_at_once_each_ask_for_their_share_of_a_second(
    make_campaign: CampaignMaker,
    on_sandbox: SandboxServer,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tune(settings, PACE_PER_SECOND=60.0, BULK_SIZE=500, DISPATCH_SLICE=0.5)
    text = "The shop is closed today."
    first, _second, third = [service.launch(make_campaign(150, text=text)) for _ in range(3)]
    asked: list[int] = []
    real_reserve = pace.reserve_all

    def listen(limits: Any, wanted: int) -> Any:
        asked.append(wanted)
        return real_reserve(limits, wanted)

    monkeypatch.setattr(pace, "reserve_all", listen)
    dispatch(first.pk)
    assert asked[0] == 20  # though one call of its own would carry all 150
    service.pause(Campaign.objects.get(pk=third.pk))
    asked.clear()
    dispatch(first.pk)
    assert asked[0] == 30


def test_answers_are_held_while_the_database_is_away(
    make_campaign: CampaignMaker, on_sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = service.launch(make_campaign(10))
    real_record, failures = (
        dispatching.record_all,
        iter([OperationalError("server closed the connection"), InterfaceError("gone")]),
    )

    def unlucky(*args: Any) -> Any:
        for failure in failures:
            raise failure
        return real_record(*args)

    monkeypatch.setattr(dispatching, "record_all", unlucky)
    dispatch(campaign.pk)
    assert statuses(campaign) == {Status.SUBMITTED: 10}


def test_a_share_of_failures_pauses_the_campaign(
    make_campaign: CampaignMaker, on_sandbox: SandboxServer, settings: Any
) -> None:
    tune(settings, BREAKER_SHARE=0.2, BREAKER_SHARE_AFTER=40, BREAKER_FAILURES=1000, DISPATCH_THREADS=4)
    rows = [[91, mobile(n) if n % 2 else f"7999000{(400, 511)[n // 2 % 2]}", "A"] for n in range(4)]
    rows += [[91, mobile(n), "A"] for n in range(10, 300)]
    on_sandbox.configure(errors={"400": 0.5})
    campaign = service.launch(make_campaign(rows=rows, text="Hello ##var##"))
    dispatch(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.PAUSED
    assert "sends failed" in campaign.status_reason
    assert statuses(campaign)[Status.QUEUED] > 0
