"""Messages that may have left: a person sends them again or gives them up, and knows what that means."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from django_messagecentral.backends import get_backend
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns import service
from django_messagecentral.campaigns import unconfirmed as deciding
from django_messagecentral.campaigns.dispatch import dispatch
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.report import report
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.campaigns.sweep import settle_dead_claims, sweep
from django_messagecentral.campaigns.unconfirmed import give_up_unconfirmed, resend_unconfirmed, unconfirmed
from django_messagecentral.messaging.claims import claim, longest_call
from django_messagecentral.messaging.delivery import carry, pack
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.recount import differences
from django_messagecentral.messaging.results import record
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import move
from django_messagecentral.sandbox import SandboxServer
from tests.campaigns.conftest import CampaignMaker, mobile

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]


@pytest.fixture(autouse=True)
def pullers_called(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """These tests call the pullers themselves; here is how often the service would have."""
    calls: list[int] = []
    monkeypatch.setattr(service, "call_pullers", calls.append)
    return calls


@pytest.fixture
def half_lost(make_campaign: CampaignMaker, on_sandbox: SandboxServer) -> Campaign:
    """A completed campaign of six. The answers of 0, 1 and 2 were lost; 0 and 1 have received the text."""
    campaign = make_campaign(6)
    service.launch(campaign)
    move(Message.objects.of_campaign(campaign), Status.DRAFT, Status.QUEUED, Cause.PLAN)
    for failure, count in (("reset_after", 2), ("reset", 1)):
        on_sandbox.configure(errors={failure: 1.0})
        held = claim(Message.objects.of_campaign(campaign), count)
        for row in held.rows:
            parcel = pack(row, f"Hello {row.variables[0]}.", RateCard.of_day())
            record(held.id, parcel.results(carry(get_backend(), held, parcel)))
    on_sandbox.configure(errors={})
    dispatch(campaign.pk)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.COMPLETED
    assert statuses(campaign) == {Status.SUBMITTED: 3, Status.UNCONFIRMED: 3}
    return campaign


def outlive_leases() -> None:
    """As if the leases and the longest possible calls had ended an hour ago."""
    Message.objects.filter(lease_until__isnull=False).update(lease_until=timezone.now() - timedelta(hours=1))


def statuses(campaign: Campaign) -> Counter[str]:
    return Counter(Message.objects.of_campaign(campaign).values_list("status", flat=True))


def received(sandbox: SandboxServer) -> Counter[str]:
    return Counter(message["mobile"] for message in sandbox.messages())


def row_of(index: int) -> Message:
    return Message.objects.get(phone="+91" + mobile(index))


def delivery_report(index: int, status: str, *, message_id: str, submitted: datetime, done: int = 3) -> None:
    """The vendor reports and the site processes it."""

    def stamp(seconds: int) -> str:
        return (submitted + timedelta(hours=5, minutes=30, seconds=seconds)).strftime("%Y-%m-%d %H:%M:%S")

    receive(
        {
            "messageId": message_id,
            "status": status,
            "errorCode": 0,
            "mobile": "91" + mobile(index),
            "submitDate": stamp(0),
            "doneDate": stamp(done),
        }
    )
    process_reports()


def process_reports() -> None:
    Callback.objects.filter(state__in=(Callback.State.PENDING, Callback.State.UNMATCHED)).update(
        next_try_at=timezone.now()
    )
    while processing.process_batch():
        pass


def counts_are_right(campaign: Campaign) -> bool:
    """The numbers on the page are those of the rows."""
    counts = {status: n for status, n in report(campaign).counts.items() if n}
    return not differences(campaign.pk) and counts == statuses(campaign)


class TestSendingAgain:
    def test_only_the_unconfirmed_leave_again_and_the_campaign_is_completed_again(
        self, half_lost: Campaign, on_sandbox: SandboxServer, pullers_called: list[int]
    ) -> None:
        pullers_called.clear()
        outlive_leases()
        assert resend_unconfirmed(half_lost) == 3
        assert pullers_called == [half_lost.pk]
        assert half_lost.status == CampaignStatus.SENDING
        row = row_of(0)
        assert (row.status, row.claim, row.lease_until, row.not_before, row.error) == (
            Status.QUEUED,
            None,
            None,
            None,
            "",
        )
        dispatch(half_lost.pk)
        half_lost.refresh_from_db()
        assert half_lost.status == CampaignStatus.COMPLETED
        assert statuses(half_lost) == {Status.SUBMITTED: 6}
        # As warned: who had received it has it twice. Nobody else has, and nobody is without.
        twice = {"91" + mobile(n): 2 for n in (0, 1)}
        assert received(on_sandbox) == {"91" + mobile(n): 1 for n in range(2, 6)} | twice
        assert Message.objects.get(phone="+91" + mobile(0)).attempt_count == 2
        assert counts_are_right(half_lost)

    def test_nothing_is_decided_while_a_call_may_still_be_under_way(self, half_lost: Campaign) -> None:
        found = unconfirmed(half_lost)
        assert (found.ready, found.too_fresh) == (0, 3)
        assert 100 < found.wait < 200  # the lease and the longest call
        for decide in (resend_unconfirmed, give_up_unconfirmed):
            with pytest.raises(service.CampaignError, match=r"3 .*only just now.* in 1\d\d seconds"):
                decide(half_lost)
        half_lost.refresh_from_db()
        assert half_lost.status == CampaignStatus.COMPLETED
        assert statuses(half_lost)[Status.UNCONFIRMED] == 3

    def test_a_lease_that_is_over_is_not_enough(self, half_lost: Campaign) -> None:
        for seconds, ready in ((1, 0), (longest_call() - 10, 0), (longest_call() + 10, 3)):
            ended = timezone.now() - timedelta(seconds=seconds)
            Message.objects.filter(lease_until__isnull=False).update(lease_until=ended)
            assert unconfirmed(half_lost).ready == ready
        assert give_up_unconfirmed(half_lost) == 3

    def test_the_fresh_ones_are_left_alone_and_the_others_go(self, half_lost: Campaign) -> None:
        Message.objects.filter(pk=row_of(2).pk).update(lease_until=timezone.now() - timedelta(hours=1))
        assert resend_unconfirmed(half_lost) == 1
        assert row_of(2).status == Status.QUEUED
        assert {row_of(0).status, row_of(1).status} == {Status.UNCONFIRMED}

    def test_a_paused_campaign_goes_on(self, half_lost: Campaign) -> None:
        Campaign.objects.update(status=CampaignStatus.PAUSED, status_reason="50 sends in a row failed")
        outlive_leases()
        resend_unconfirmed(half_lost)
        assert (half_lost.status, half_lost.status_reason) == (CampaignStatus.SENDING, "")

    def test_while_it_is_sending(self, half_lost: Campaign, on_sandbox: SandboxServer) -> None:
        Campaign.objects.update(status=CampaignStatus.SENDING)
        outlive_leases()
        assert resend_unconfirmed(half_lost) == 3
        dispatch(half_lost.pk)
        half_lost.refresh_from_db()
        assert half_lost.status == CampaignStatus.COMPLETED
        assert statuses(half_lost) == {Status.SUBMITTED: 6}

    def test_a_cancelled_campaign_sends_nothing(self, half_lost: Campaign) -> None:
        Campaign.objects.update(status=CampaignStatus.CANCELLED)
        outlive_leases()
        with pytest.raises(service.CampaignError, match="cancelled: nothing of it can be sent again"):
            resend_unconfirmed(half_lost)
        assert statuses(half_lost)[Status.UNCONFIRMED] == 3

    def test_without_unconfirmed_messages_a_completed_campaign_stays_completed(
        self, make_campaign: CampaignMaker
    ) -> None:
        campaign = make_campaign(1)
        Campaign.objects.update(status=CampaignStatus.COMPLETED)
        with pytest.raises(service.CampaignError, match="no unconfirmed messages"):
            resend_unconfirmed(campaign)
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.COMPLETED

    def test_who_pressed_twice_sends_once(self, half_lost: Campaign, on_sandbox: SandboxServer) -> None:
        outlive_leases()
        again = Campaign.objects.get(pk=half_lost.pk)
        resend_unconfirmed(half_lost)
        with pytest.raises(service.CampaignError, match="no unconfirmed messages"):
            resend_unconfirmed(again)
        dispatch(half_lost.pk)
        assert max(received(on_sandbox).values()) == 2

    def test_a_worker_that_wakes_up_after_the_resend_changes_nothing(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        campaign = service.launch(make_campaign(1))
        move(Message.objects.of_campaign(campaign), Status.DRAFT, Status.QUEUED, Cause.PLAN)
        asleep = claim(Message.objects.of_campaign(campaign), 1)
        parcel = pack(asleep.rows[0], "Hello.", RateCard.of_day())
        answer = carry(get_backend(), asleep, parcel)  # and it is stopped before it can write that down
        assert answer is not None
        outlive_leases()
        assert settle_dead_claims() == 1
        resend_unconfirmed(campaign)
        record(asleep.id, parcel.results(answer))
        assert row_of(0).status == Status.QUEUED
        dispatch(campaign.pk)
        first = row_of(0)
        assert first.status == Status.SUBMITTED
        record(asleep.id, parcel.results(answer))
        assert row_of(0).transaction_id == first.transaction_id != answer.transaction_id
        assert counts_are_right(campaign)


class TestInTheMiddle:
    """Other people and crashes between the batches."""

    @pytest.fixture(autouse=True)
    def one_by_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(deciding, "BATCH", 1)
        self._queue = deciding._queue

    def after_the_first(self, act: Callable[[], object]) -> Any:
        """``act`` happens before the second batch."""
        calls: list[int] = []

        def queue(*args: Any) -> int:
            calls.append(1)
            if len(calls) == 2:
                act()
            return self._queue(*args)

        return patch.object(deciding, "_queue", queue)

    def test_many_batches_are_one_resend(self, half_lost: Campaign, pullers_called: list[int]) -> None:
        pullers_called.clear()
        outlive_leases()
        assert resend_unconfirmed(half_lost) == 3
        assert pullers_called == [half_lost.pk]
        assert counts_are_right(half_lost)

    def test_a_sweep_and_a_puller_between_two_batches_do_not_close_the_campaign(
        self, half_lost: Campaign, on_sandbox: SandboxServer
    ) -> None:
        outlive_leases()
        before = sum(received(on_sandbox).values())

        def meanwhile() -> None:
            dispatch(half_lost.pk)
            sweep()
            assert sum(received(on_sandbox).values()) == before  # it waits until all are queued

        with self.after_the_first(meanwhile):
            assert resend_unconfirmed(half_lost) == 3
        assert half_lost.status == CampaignStatus.SENDING
        dispatch(half_lost.pk)
        half_lost.refresh_from_db()
        assert half_lost.status == CampaignStatus.COMPLETED
        assert statuses(half_lost) == {Status.SUBMITTED: 6}

    def test_a_crash_leaves_a_paused_campaign_that_says_why_and_can_be_resumed(
        self, half_lost: Campaign, on_sandbox: SandboxServer
    ) -> None:
        outlive_leases()

        def crash() -> None:
            raise MemoryError

        with self.after_the_first(crash), pytest.raises(MemoryError):
            resend_unconfirmed(half_lost)
        sweep()
        half_lost.refresh_from_db()
        assert half_lost.status == CampaignStatus.PAUSED
        assert "broken off" in half_lost.status_reason
        service.resume(half_lost)
        dispatch(half_lost.pk)
        assert statuses(half_lost) == {Status.SUBMITTED: 4, Status.UNCONFIRMED: 2}
        assert counts_are_right(half_lost)

    def test_a_cancel_wins_and_nothing_waits_in_the_cancelled_campaign(
        self, half_lost: Campaign, on_sandbox: SandboxServer
    ) -> None:
        outlive_leases()
        before = sum(received(on_sandbox).values())
        with (
            self.after_the_first(lambda: service.cancel(Campaign.objects.get(pk=half_lost.pk))),
            pytest.raises(service.CampaignError, match=r"cancelled meanwhile\. Messages queued again: 1"),
        ):
            resend_unconfirmed(half_lost)
        sweep()
        assert statuses(half_lost) == {Status.SUBMITTED: 3, Status.CANCELLED: 1, Status.UNCONFIRMED: 2}
        dispatch(half_lost.pk)
        assert sum(received(on_sandbox).values()) == before

    def test_an_early_resume_sends_what_was_queued_and_leaves_the_rest(self, half_lost: Campaign) -> None:
        outlive_leases()
        with self.after_the_first(lambda: service.resume(Campaign.objects.get(pk=half_lost.pk))):
            assert resend_unconfirmed(half_lost) == 1
        assert half_lost.status == CampaignStatus.SENDING
        assert statuses(half_lost) == {Status.SUBMITTED: 3, Status.QUEUED: 1, Status.UNCONFIRMED: 2}

    def test_a_report_that_comes_first_wins(self, half_lost: Campaign) -> None:
        outlive_leases()
        second = row_of(1)
        assert second.submitted_at is not None
        tried_at = second.submitted_at

        def deliver() -> None:
            delivery_report(1, "DELIVRD", message_id="of-the-first-try", submitted=tried_at)

        with self.after_the_first(deliver):
            assert resend_unconfirmed(half_lost) == 2
        assert row_of(1).status == Status.DELIVERED
        assert counts_are_right(half_lost)

    def test_four_people_press_at_once_and_each_message_is_queued_once(self, half_lost: Campaign) -> None:
        outlive_leases()
        barrier = threading.Barrier(4)
        moved: list[int] = []
        refused: list[str] = []

        def press() -> None:
            campaign = Campaign.objects.get(pk=half_lost.pk)
            barrier.wait()
            try:
                moved.append(resend_unconfirmed(campaign))
            except service.CampaignError as error:
                refused.append(str(error))
            finally:
                connection.close()

        people = [threading.Thread(target=press) for _ in range(4)]
        for person in people:
            person.start()
        for person in people:
            person.join()
        half_lost.refresh_from_db()
        assert len(moved) + len(refused) == 4  # nobody met anything but an answer or a refusal
        assert counts_are_right(half_lost)
        # Who came late may have ended the first one's loop: then some are left for another time.
        queued = statuses(half_lost)[Status.QUEUED]
        assert queued >= 1
        assert queued + statuses(half_lost)[Status.UNCONFIRMED] == 3
        assert half_lost.status in (CampaignStatus.SENDING, CampaignStatus.PAUSED)
        if half_lost.status == CampaignStatus.PAUSED:
            assert "broken off" in half_lost.status_reason


class TestLateReports:
    """The first try was received after all, and its report comes when the message was sent again."""

    def test_what_has_arrived_is_taken_out_of_the_queue_and_not_sent_twice(
        self, half_lost: Campaign, on_sandbox: SandboxServer
    ) -> None:
        first_try = row_of(0).submitted_at
        assert first_try is not None
        outlive_leases()
        resend_unconfirmed(half_lost)
        delivery_report(0, "DELIVRD", message_id="of-the-first-try", submitted=first_try)
        assert row_of(0).status == Status.DELIVERED
        assert counts_are_right(half_lost)
        dispatch(half_lost.pk)
        assert received(on_sandbox)["91" + mobile(0)] == 1
        assert counts_are_right(half_lost)
        assert report(half_lost).recipients == 6

    def test_what_has_not_arrived_is_sent_as_the_person_wished(
        self, half_lost: Campaign, on_sandbox: SandboxServer
    ) -> None:
        first_try = row_of(0).submitted_at
        assert first_try is not None
        outlive_leases()
        resend_unconfirmed(half_lost)
        delivery_report(0, "UNDELIV", message_id="of-the-first-try", submitted=first_try)
        assert row_of(0).status == Status.QUEUED
        dispatch(half_lost.pk)
        assert row_of(0).status == Status.SUBMITTED
        assert received(on_sandbox)["91" + mobile(0)] == 2
        assert counts_are_right(half_lost)

    @pytest.mark.parametrize("decide", [give_up_unconfirmed, resend_unconfirmed])
    def test_it_counts_as_delivered_whatever_was_decided_meanwhile(
        self, half_lost: Campaign, on_sandbox: SandboxServer, decide: Callable[[Campaign], int]
    ) -> None:
        first_try = row_of(0).submitted_at
        assert first_try is not None
        outlive_leases()
        decide(half_lost)
        if decide is resend_unconfirmed:
            service.cancel(half_lost)
        delivery_report(0, "DELIVRD", message_id="of-the-first-try", submitted=first_try)
        assert row_of(0).status == Status.DELIVERED
        assert counts_are_right(half_lost)

    def test_the_second_try_was_delivered_and_the_first_was_not(
        self, half_lost: Campaign, on_sandbox: SandboxServer
    ) -> None:
        first_try = row_of(2).submitted_at
        assert first_try is not None
        outlive_leases()
        resend_unconfirmed(half_lost)
        dispatch(half_lost.pk)
        own_id = row_of(2).transaction_id
        delivery_report(2, "UNDELIV", message_id="of-the-first-try", submitted=first_try)
        assert row_of(2).status == Status.UNDELIVERED
        delivery_report(2, "DELIVRD", message_id=own_id, submitted=timezone.now())
        assert row_of(2).status == Status.DELIVERED
        assert counts_are_right(half_lost)
        numbers = report(half_lost)
        assert (numbers.settled, numbers.unsettled, numbers.segments) == (1, 5, 6)


class TestGivingUp:
    def test_they_count_as_failed_and_the_campaign_stays_as_it_is(
        self, half_lost: Campaign, on_sandbox: SandboxServer
    ) -> None:
        outlive_leases()
        before = received(on_sandbox)
        assert give_up_unconfirmed(half_lost) == 3
        half_lost.refresh_from_db()
        assert half_lost.status == CampaignStatus.COMPLETED
        assert statuses(half_lost) == {Status.SUBMITTED: 3, Status.FAILED: 3}
        assert "Given up by a person" in row_of(0).error
        assert counts_are_right(half_lost)
        sweep()
        dispatch(half_lost.pk)
        assert received(on_sandbox) == before

    def test_those_of_a_cancelled_campaign_too(self, half_lost: Campaign) -> None:
        Campaign.objects.update(status=CampaignStatus.CANCELLED)
        outlive_leases()
        assert give_up_unconfirmed(half_lost) == 3

    def test_a_worker_that_wakes_up_tells_the_id_by_which_a_report_still_corrects_it(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        campaign = service.launch(make_campaign(1))
        move(Message.objects.of_campaign(campaign), Status.DRAFT, Status.QUEUED, Cause.PLAN)
        asleep = claim(Message.objects.of_campaign(campaign), 1)
        parcel = pack(asleep.rows[0], "Hello.", RateCard.of_day())
        answer = carry(get_backend(), asleep, parcel)
        outlive_leases()
        settle_dead_claims()
        give_up_unconfirmed(campaign)
        record(asleep.id, parcel.results(answer))
        row = row_of(0)
        assert row.status == Status.FAILED
        assert counts_are_right(campaign)
        delivery_report(0, "DELIVRD", message_id=row.transaction_id, submitted=timezone.now())
        assert row_of(0).status == Status.DELIVERED
        assert counts_are_right(campaign)


# -- in the admin -------------------------------------------------------------------------------


def url(name: str, campaign: Campaign) -> str:
    return reverse(f"admin:messagecentral_campaign_{name}", args=[campaign.pk])


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


class TestInTheAdmin:
    def test_the_page_warns_and_then_sends_them_again(
        self, admin_client: Client, half_lost: Campaign, on_sandbox: SandboxServer
    ) -> None:
        outlive_leases()
        assert url("resend", half_lost) in text_of(admin_client.get(url("change", half_lost)))
        page = text_of(admin_client.get(url("resend", half_lost)))
        assert "3 messages are unconfirmed" in page
        assert "gets the same text a second time" in page
        assert statuses(half_lost)[Status.UNCONFIRMED] == 3  # looking decides nothing
        answer = admin_client.post(url("resend", half_lost), follow=True)
        assert "3 unconfirmed messages are sent again" in text_of(answer)
        dispatch(half_lost.pk)
        assert statuses(half_lost) == {Status.SUBMITTED: 6}
        after = text_of(admin_client.get(url("change", half_lost)))
        assert url("resend", half_lost) not in after
        assert url("give_up", half_lost) not in after

    def test_a_paused_campaigns_page_says_what_else_goes_on(
        self, admin_client: Client, half_lost: Campaign
    ) -> None:
        outlive_leases()
        move(Message.objects.filter(pk=row_of(0).pk), Status.UNCONFIRMED, Status.QUEUED, Cause.OPERATOR)
        Campaign.objects.update(status=CampaignStatus.PAUSED)
        page = text_of(admin_client.get(url("resend", half_lost)))
        assert "The campaign is paused. It goes on: 1 message that waits in it is sent too." in page

    def test_the_page_warns_and_then_gives_them_up(self, admin_client: Client, half_lost: Campaign) -> None:
        outlive_leases()
        page = text_of(admin_client.get(url("give_up", half_lost)))
        assert "some of them may have been received" in page
        assert "cannot be undone" in page
        answer = admin_client.post(url("give_up", half_lost), follow=True)
        assert "3 unconfirmed messages count as failed" in text_of(answer)
        assert statuses(half_lost) == {Status.SUBMITTED: 3, Status.FAILED: 3}

    def test_fresh_ones_have_no_button_on_the_page_and_no_way_around_it(
        self, admin_client: Client, half_lost: Campaign
    ) -> None:
        page = text_of(admin_client.get(url("resend", half_lost)))
        assert "3 more were tried only just now and are left alone" in page
        assert "Send them again" not in page
        answer = text_of(admin_client.post(url("resend", half_lost), follow=True))
        assert "left only just now" in answer
        assert statuses(half_lost)[Status.UNCONFIRMED] == 3

    def test_a_cancelled_campaign_offers_only_to_give_up(
        self, admin_client: Client, half_lost: Campaign
    ) -> None:
        outlive_leases()
        Campaign.objects.update(status=CampaignStatus.CANCELLED)
        page = text_of(admin_client.get(url("change", half_lost)))
        assert url("resend", half_lost) not in page
        assert url("give_up", half_lost) in page
        assert "nothing of it can be sent again" in text_of(admin_client.get(url("resend", half_lost)))

    @pytest.mark.parametrize("decision", ["resend", "give_up"])
    def test_only_who_may_launch_may_decide(self, decision: str, half_lost: Campaign) -> None:
        outlive_leases()
        user = User.objects.create_user("viewer", is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(codename__in=("view_campaign", "change_campaign"))
        )
        client = Client()
        client.force_login(user)
        assert url(decision, half_lost) not in text_of(client.get(url("change", half_lost)))
        assert client.get(url(decision, half_lost)).status_code == 403
        assert client.post(url(decision, half_lost)).status_code == 403
        assert statuses(half_lost)[Status.UNCONFIRMED] == 3
