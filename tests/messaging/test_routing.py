"""By which channel a message begins, and by which it goes on."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_messagecentral import send_message
from django_messagecentral.backends.locmem import Outbox
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns import service as campaigns
from django_messagecentral.campaigns.admin_forms import CampaignForm
from django_messagecentral.campaigns.dispatch import dispatch
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.sweep import settle_dead_claims, sweep
from django_messagecentral.campaigns.unconfirmed import give_up_unconfirmed
from django_messagecentral.exceptions import InvalidArgument, Outcome
from django_messagecentral.messaging.models import Budget, Message, Rate, Spend, Suppression
from django_messagecentral.messaging.recount import differences
from django_messagecentral.messaging.routing import following
from django_messagecentral.messaging.routing.choosing import choose_for
from django_messagecentral.messaging.routing.following import time_out
from django_messagecentral.messaging.routing.memory import failing_channels
from django_messagecentral.messaging.routing.models import Hop
from django_messagecentral.messaging.routing.policies import Asked, Cheapest, Known, Policy, load_policy
from django_messagecentral.messaging.service import deliver
from django_messagecentral.messaging.states import Status
from tests.campaigns.conftest import CampaignMaker, make_campaign, mobile
from tests.rest.conftest import ApiMaker, api

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]
__all__ = ["api", "make_campaign"]

PHONE = f"+91{mobile(1)}"
CHANNELS = ("WHATSAPP", "RCS", "SMS")


class AlwaysRcs(Policy):
    """A site's own."""

    chooses = True

    def first(self, asked: Asked, known: Known) -> str:
        return "RCS"


@pytest.fixture(autouse=True)
def three_channels(settings: Any, monkeypatch: pytest.MonkeyPatch, messagecentral_outbox: Outbox) -> None:
    settings.MESSAGECENTRAL = {
        **settings.MESSAGECENTRAL,
        "ROUTING_CHANNELS": CHANNELS,
        "PACE_PER_SECOND": 5000.0,
        "QUIET_HOURS_ALLOWED": ("00:00", "23:59"),
    }
    monkeypatch.setattr(campaigns, "call_pullers", lambda campaign_id: None)


@pytest.fixture
def outbox(messagecentral_outbox: Outbox) -> Outbox:
    return messagecentral_outbox


def setting(settings: Any, **change: Any) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, **change}


def reported(message: Message, status: str, *, later: int = 0) -> None:
    """The carrier says what became of ``message``."""
    message.refresh_from_db()
    done = timezone.now() + timedelta(hours=5, minutes=30, seconds=later)
    receive(
        {
            "messageId": message.transaction_id,
            "status": status,
            "mobile": message.phone[1:],
            "doneDate": f"{done:%Y-%m-%d %H:%M:%S}",
        }
    )
    while processing.process_batch():
        pass


def channels_of(outbox: Outbox, phone: str = PHONE) -> list[str]:
    return [sent.channel for sent in outbox.to(phone)]


def chain(first: Message) -> list[tuple[str, str, str]]:
    hops = Hop.objects.filter(first=first).select_related("message").order_by("pk")
    return [(hop.channel, hop.cause, hop.message.status) for hop in hops]


class TestChoosing:
    def test_fixed_is_what_a_site_has_without_a_word(self, outbox: Outbox) -> None:
        row = send_message(PHONE, "Hi")
        reported(row, "UNDELIV")
        assert (channels_of(outbox), Hop.objects.count()) == (["SMS"], 0)

    def test_the_cheapest_that_is_not_known_to_fail(self, outbox: Outbox, settings: Any) -> None:
        setting(settings, ROUTING="cheapest")
        for channel, price in (("SMS", "0.3"), ("RCS", "0.2"), ("WHATSAPP", "0.1")):
            Rate.objects.create(channel=channel, price=price)
        reported(send_message(PHONE, "1"), "UNDELIV")
        reported(send_message(PHONE, "2"), "REJECTD", later=1)
        send_message(PHONE, "3")
        send_message(f"+91{mobile(2)}", "other")
        assert channels_of(outbox) == ["WHATSAPP", "RCS", "SMS"]
        assert channels_of(outbox, f"+91{mobile(2)}") == ["WHATSAPP"]

    def test_a_channel_that_was_asked_for_is_taken(self, outbox: Outbox) -> None:
        Rate.objects.create(channel="WHATSAPP", price="0.1")
        send_message(PHONE, "1", channel="RCS", routing="cheapest")
        send_message(PHONE, "2", routing="cheapest")
        assert channels_of(outbox) == ["RCS", "WHATSAPP"]

    def test_a_channel_without_a_rate_comes_last_and_equals_in_the_sites_order(self) -> None:
        rates = [Rate(channel="SMS", price=Decimal(2), currency="USD"), Rate(channel="RCS", price=Decimal(2))]
        Rate.objects.bulk_create(rates)
        assert send_message(PHONE, "1", routing="cheapest").channel == "RCS"

    def test_where_all_fail_the_cheapest_is_tried_again(self) -> None:
        known = Known(CHANNELS, failing={PHONE: set(CHANNELS)})
        assert Cheapest().first(Asked(PHONE, "IN", "TRANSACTION"), known) == "WHATSAPP"

    def test_who_opted_out_of_a_channel_is_written_to_by_another(self, outbox: Outbox) -> None:
        Suppression.objects.create(phone=PHONE, channel="WHATSAPP")
        send_message(PHONE, "1", routing="cheapest")
        assert channels_of(outbox) == ["RCS"]

    @pytest.mark.parametrize("routing", ["pigeon", "os.path.join", "no.such.Policy"])
    def test_a_policy_that_is_none(self, routing: str) -> None:
        with pytest.raises(InvalidArgument, match="Unknown routing"):
            send_message(PHONE, "1", routing=routing)
        with pytest.raises(ImproperlyConfigured):
            load_policy(routing)

    def test_without_channels_there_is_nothing_to_choose(self, settings: Any) -> None:
        setting(settings, ROUTING_CHANNELS=("SMS",))
        with pytest.raises(InvalidArgument, match="two or more ROUTING_CHANNELS"):
            send_message(PHONE, "1", routing="fallback")
        assert not Message.objects.exists()

    def test_a_sites_own_policy(self, settings: Any, outbox: Outbox) -> None:
        setting(settings, ROUTING=f"{__name__}.AlwaysRcs")
        send_message(PHONE, "1")
        assert channels_of(outbox) == ["RCS"]


class TestMemory:
    def fact(self, status: Status, days: float, channel: str = "SMS") -> None:
        at = timezone.now() - timedelta(days=days)
        Message.objects.create(phone=PHONE, channel=channel, status=status, done_at=at, updated_at=at)

    def test_the_newest_fact_counts(self) -> None:
        self.fact(Status.UNDELIVERED, 3)
        assert failing_channels([PHONE], CHANNELS) == {PHONE: {"SMS"}}
        self.fact(Status.DELIVERED, 2)
        self.fact(Status.REJECTED, 1, "RCS")
        assert failing_channels([PHONE], CHANNELS) == {PHONE: {"RCS"}}

    def test_it_forgets(self, settings: Any) -> None:
        self.fact(Status.UNDELIVERED, 31)
        assert failing_channels([PHONE], CHANNELS) == {}
        setting(settings, ROUTING_MEMORY_DAYS=40)
        assert failing_channels([PHONE], CHANNELS) == {PHONE: {"SMS"}}

    @pytest.mark.parametrize("status", [Status.EXPIRED, Status.UNKNOWN, Status.FAILED, Status.UNCONFIRMED])
    def test_what_is_not_the_channels_fault_says_nothing(self, status: Status) -> None:
        self.fact(status, 1)
        assert failing_channels([PHONE], CHANNELS) == {}

    def test_a_batch_of_phones_is_one_query(self) -> None:
        phones = [f"+91{mobile(n)}" for n in range(400)]
        Message.objects.bulk_create(Message(phone=p, status=Status.UNDELIVERED) for p in phones)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(failing_channels(phones, CHANNELS)) == 400
        assert len(queries) == 1


class TestGoingOn:
    def test_down_the_list_each_channel_once(self, outbox: Outbox) -> None:
        first = send_message(PHONE, "Hi", channel="RCS", routing="fallback", purpose="orders")
        reported(first, "UNDELIV")
        (second,) = Message.objects.exclude(pk=first.pk)
        assert (second.text, second.purpose, second.hop.first_id) == ("Hi", "orders", first.pk)
        reported(second, "REJECTD")
        reported(Message.objects.latest("pk"), "EXPIRED")
        assert channels_of(outbox) == ["RCS", "WHATSAPP", "SMS"]
        assert chain(first) == [
            ("RCS", "first", "undelivered"),
            ("WHATSAPP", "undelivered", "rejected"),
            ("SMS", "undelivered", "expired"),
        ]

    def test_without_a_channel_asked_for_it_begins_with_the_first(
        self, outbox: Outbox, settings: Any
    ) -> None:
        setting(settings, ROUTING="fallback")
        send_message(PHONE, "Hi")
        send_message(PHONE, "Not me", channel="SMS", routing="fixed")
        assert channels_of(outbox) == ["WHATSAPP", "SMS"]
        assert Hop.objects.count() == 1

    def test_after_a_refusal(self, outbox: Outbox) -> None:
        outbox.fail_next(Outcome.REFUSED)
        first = send_message(PHONE, "Hi", routing="fallback")
        assert chain(first) == [("WHATSAPP", "first", "failed"), ("RCS", "refused", "submitted")]

    def test_a_delivered_or_unknown_one_is_left_at_that(self, outbox: Outbox) -> None:
        for status in ("DELIVRD", "UNKNOWN"):
            reported(send_message(PHONE, status, routing="fallback"), status)
        assert len(outbox) == 2

    def test_what_may_have_left_is_never_followed(self, outbox: Outbox) -> None:
        outbox.fail_next(Outcome.MAY_HAVE_LEFT)
        first = send_message(PHONE, "Hi", routing="fallback")
        first.refresh_from_db()
        assert first.status == Status.UNCONFIRMED
        Hop.objects.update(due_at=timezone.now() - timedelta(hours=1))
        sweep()
        assert Message.objects.count() == 1

    def test_a_report_that_overtakes_itself_starts_nothing_twice(self, outbox: Outbox) -> None:
        first = send_message(PHONE, "Hi", routing="fallback")
        reported(first, "UNDELIV")
        reported(first, "EXPIRED", later=60)
        reported(first, "REJECTD", later=120)
        assert channels_of(outbox) == ["WHATSAPP", "RCS"]

    def test_what_still_waits_when_the_first_arrives_does_not_leave(
        self, outbox: Outbox, settings: Any
    ) -> None:
        first = send_message(PHONE, "Hi", routing="fallback")
        setting(settings, SENDING_ENABLED=False)
        reported(first, "UNDELIV")
        reported(first, "DELIVRD", later=60)
        setting(settings, SENDING_ENABLED=True)
        sweep()
        assert [status for _channel, _cause, status in chain(first)] == ["delivered", "cancelled"]
        assert channels_of(outbox) == ["WHATSAPP"]

    def test_an_opt_out_holds(self, outbox: Outbox, settings: Any) -> None:
        Suppression.objects.create(phone=PHONE, channel="RCS")
        first = send_message(PHONE, "Sale", routing="fallback", message_type="PROMOTIONAL")
        reported(first, "UNDELIV")
        assert channels_of(outbox) == ["WHATSAPP", "SMS"]
        again = send_message(PHONE, "Sale", routing="fallback", message_type="PROMOTIONAL")
        Suppression.objects.create(phone=PHONE)
        reported(again, "UNDELIV")
        assert len(outbox) == 3

    def test_an_opt_out_while_it_waits_holds_too(self, outbox: Outbox, settings: Any) -> None:
        first = send_message(PHONE, "Hi", routing="fallback")
        setting(settings, SENDING_ENABLED=False)
        reported(first, "UNDELIV")
        Suppression.objects.create(phone=PHONE)
        setting(settings, SENDING_ENABLED=True)
        deliver(Message.objects.latest("pk").pk)
        assert chain(first)[1] == ("RCS", "undelivered", "suppressed")

    def test_a_spent_budget_holds_it(self, outbox: Outbox) -> None:
        first = send_message(PHONE, "Hi", routing="fallback")
        Budget.objects.create(name="b", amount=1)
        Spend.objects.create(
            day=timezone.now().date(), channel="SMS", message_type="TRANSACTION", cost_micros=2_000_000
        )
        reported(first, "UNDELIV")
        assert chain(first)[1] == ("RCS", "undelivered", "queued")
        assert channels_of(outbox) == ["WHATSAPP"]

    def test_once_a_channel_is_the_databases_own_rule(self) -> None:
        first = send_message(PHONE, "Hi", routing="fallback")
        other = Message.objects.create(phone=PHONE)
        with pytest.raises(IntegrityError):
            Hop.objects.create(first=first, message=other, channel="WHATSAPP")

    def test_who_comes_second_looks_again(self, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
        """A report and a time-out at once: the second has read the chain before the first went on."""
        first = send_message(PHONE, "Hi", routing="fallback")
        stale = following._chains([Message.objects.select_related("hop").get(pk=first.pk)])
        following._go_on(following._routed([first.pk]), {first.pk: Hop.Cause.TIMED_OUT})
        looks = iter([stale])
        real = following._chains
        monkeypatch.setattr(following, "_chains", lambda rows: next(looks, None) or real(rows))
        reported(first, "UNDELIV")
        assert next(looks, None) is None
        assert channels_of(outbox) == ["WHATSAPP", "RCS"]
        first.refresh_from_db()
        assert first.status == Status.UNDELIVERED

    def test_the_api_shows_the_chain(self, api: ApiMaker, client: Any) -> None:
        from django.test import override_settings

        with override_settings(ROOT_URLCONF="tests.rest.urls"):
            script = api("send_message", "view_message")
            key = {"HTTP_IDEMPOTENCY_KEY": "k"}
            body = {"to": PHONE, "text": "Hi", "routing": "fallback"}
            made = script.post("/api/messages/", body, **key)
            assert (made.status_code, made.json()["channel"]) == (201, "WHATSAPP")
            assert script.post("/api/messages/", body, **key).status_code == 200
            reported(Message.objects.get(), "UNDELIV")
            hops = script.get(f"/api/messages/{made.json()['id']}/").json()["hops"]
            wrong = script.post("/api/messages/", {**body, "routing": "pigeon"})
        assert [(hop["channel"], hop["status"]) for hop in hops] == [
            ("WHATSAPP", "undelivered"),
            ("RCS", "submitted"),
        ]
        assert wrong.status_code == 400


class TestTimeOut:
    @pytest.fixture(autouse=True)
    def after_a_minute(self, settings: Any) -> None:
        setting(settings, ROUTING_FALLBACK_AFTER=60)

    def pass_a_minute(self) -> None:
        Hop.objects.filter(due_at__isnull=False).update(due_at=timezone.now() - timedelta(seconds=1))
        sweep()

    def test_of_which_nothing_is_heard(self, outbox: Outbox) -> None:
        first = send_message(PHONE, "Hi", routing="fallback")
        sweep()
        assert channels_of(outbox) == ["WHATSAPP"]
        for _each in range(5):
            self.pass_a_minute()
        assert channels_of(outbox) == list(CHANNELS)
        assert [cause for _channel, cause, _status in chain(first)] == ["first", "timed_out", "timed_out"]

    def test_not_after_a_report(self, outbox: Outbox) -> None:
        reported(send_message(PHONE, "Hi", routing="fallback"), "DELIVRD")
        self.pass_a_minute()
        assert channels_of(outbox) == ["WHATSAPP"]

    def test_a_late_failure_of_the_first_starts_no_second_chain(self, outbox: Outbox) -> None:
        first = send_message(PHONE, "Hi", routing="fallback")
        self.pass_a_minute()
        reported(first, "UNDELIV")
        assert channels_of(outbox) == ["WHATSAPP", "RCS"]

    def test_campaigns_are_watched_too(self, outbox: Outbox, make_campaign: CampaignMaker) -> None:
        campaign = campaigns.launch(make_campaign(3, routing="fallback"))
        dispatch(campaign.pk)
        assert Hop.objects.filter(due_at__isnull=False).count() == 3
        reported(Message.objects.of_campaign(campaign).order_by("pk")[0], "DELIVRD")
        self.pass_a_minute()
        assert Counter(sent.channel for sent in outbox) == {"SMS": 3, "WHATSAPP": 2}

    def test_without_a_time_nothing_is_watched(self, settings: Any) -> None:
        setting(settings, ROUTING_FALLBACK_AFTER=0)
        send_message(PHONE, "Hi", routing="fallback")
        assert (Hop.objects.filter(due_at__isnull=False).count(), time_out()) == (0, 0)


class TestAdmin:
    def test_the_chain_is_shown_on_both_ends(self, admin_client: Client) -> None:
        first = send_message(PHONE, "Hi", routing="fallback")
        reported(first, "UNDELIV")
        second = Message.objects.latest("pk")

        def page(row: Message) -> str:
            answer = admin_client.get(reverse("admin:messagecentral_message_change", args=[row.pk]))
            return answer.content.decode()

        assert "the one before was not delivered" in page(first)
        assert str(first.public_id) in page(second)

    def test_a_campaign_cannot_be_routed_without_channels(self, settings: Any) -> None:
        assert CampaignForm({"name": "c", "text": "Hi", "routing": "fallback"}).errors.get("routing") is None
        setting(settings, ROUTING_CHANNELS=())
        assert CampaignForm({"name": "c", "text": "Hi", "routing": "fallback"}).errors["routing"]
        with pytest.raises(campaigns.CampaignError, match="two or more channels"):
            campaigns.create_campaign("c", "Hi", routing="cheapest")


class TestCampaigns:
    def launched(self, make_campaign: CampaignMaker, count: int, **options: Any) -> Campaign:
        campaign = campaigns.launch(make_campaign(count, **options))
        dispatch(campaign.pk)
        campaign.refresh_from_db()
        return campaign

    def row(self, index: int) -> Message:
        return Message.objects.filter(phone=f"+91{mobile(index)}", campaign__isnull=False).get()

    def test_each_number_has_its_cheapest_channel(self, outbox: Outbox, make_campaign: CampaignMaker) -> None:
        for channel, price in (("SMS", "0.3"), ("RCS", "0.2"), ("WHATSAPP", "0.1")):
            Rate.objects.create(channel=channel, price=price)
        Message.objects.create(phone=f"+91{mobile(0)}", channel="WHATSAPP", status=Status.UNDELIVERED)
        Suppression.objects.create(phone=f"+91{mobile(1)}", channel="WHATSAPP")
        campaign = self.launched(make_campaign, 4, routing="cheapest")
        found = {sent.phone[3:]: sent.channel for sent in outbox}
        assert found == {mobile(0): "RCS", mobile(1): "RCS", mobile(2): "WHATSAPP", mobile(3): "WHATSAPP"}
        assert not differences(campaign.pk)

    def test_calls_to_many_numbers_are_of_one_channel(
        self, outbox: Outbox, make_campaign: CampaignMaker
    ) -> None:
        Message.objects.create(phone=f"+91{mobile(0)}", channel="WHATSAPP", status=Status.UNDELIVERED)
        self.launched(make_campaign, 3, text="The same for all", routing="cheapest")
        assert {sent.kind for sent in outbox} == {"bulk"}
        assert Counter(sent.channel for sent in outbox) == {"WHATSAPP": 2, "RCS": 1}
        assert channels_of(outbox, f"+91{mobile(0)}") == ["RCS"]

    def test_a_few_queries_for_hundreds(self, make_campaign: CampaignMaker) -> None:
        make_campaign(450, routing="cheapest")
        ids = list(Message.objects.values_list("pk", flat=True))
        with CaptureQueriesContext(connection) as queries:
            choose_for(ids, "cheapest")
        assert len(queries) <= 8
        assert set(Message.objects.values_list("channel", flat=True)) == {"WHATSAPP"}

    def test_a_failure_goes_on_as_a_message_of_its_own(
        self, outbox: Outbox, make_campaign: CampaignMaker
    ) -> None:
        campaign = self.launched(make_campaign, 2, routing="fallback")
        reported(self.row(0), "UNDELIV")
        (second,) = Message.objects.filter(campaign__isnull=True)
        assert (second.text, second.purpose) == ("Hello N0, your balance is 1.", "fallback")
        assert chain(self.row(0)) == [
            ("SMS", "first", "undelivered"),
            ("WHATSAPP", "undelivered", "submitted"),
        ]
        assert not differences(campaign.pk)

    def test_the_sites_policy_holds_where_a_campaign_names_none(
        self, outbox: Outbox, make_campaign: CampaignMaker, settings: Any
    ) -> None:
        setting(settings, ROUTING="fallback")
        self.launched(make_campaign, 1)
        reported(self.row(0), "UNDELIV")
        self.launched(make_campaign, 1, routing="fixed")
        reported(Message.objects.latest("pk"), "UNDELIV")
        assert [sent.channel for sent in outbox] == ["SMS", "WHATSAPP", "SMS"]

    def test_a_text_that_cannot_be_sent_is_no_refusal(self, make_campaign: CampaignMaker) -> None:
        campaign = make_campaign(1, routing="fallback")
        Message.objects.update(variables=["", "", ""])
        campaigns.launch(campaign)
        dispatch(campaign.pk)
        assert (self.row(0).status, Message.objects.count()) == (Status.FAILED, 1)

    def test_what_a_person_gave_up_is_not_followed(
        self, outbox: Outbox, make_campaign: CampaignMaker
    ) -> None:
        outbox.fail_next(Outcome.MAY_HAVE_LEFT)
        campaign = self.launched(make_campaign, 1, routing="fallback")
        Message.objects.update(lease_until=timezone.now() - timedelta(hours=1))
        settle_dead_claims()
        assert give_up_unconfirmed(campaign) == 1
        assert Message.objects.count() == 1

    def test_pause_and_cancel_hold_for_what_follows(
        self, outbox: Outbox, make_campaign: CampaignMaker, settings: Any
    ) -> None:
        campaign = self.launched(make_campaign, 2, routing="fallback")
        Campaign.objects.update(status="paused")
        reported(self.row(0), "UNDELIV")
        assert chain(self.row(0))[1] == ("WHATSAPP", "undelivered", "queued")
        Campaign.objects.update(status="sending")
        campaigns.cancel(campaign)
        Message.objects.filter(campaign__isnull=True).update(not_before=None)
        deliver(Message.objects.latest("pk").pk)
        assert chain(self.row(0))[1] == ("WHATSAPP", "undelivered", "cancelled")
        reported(self.row(1), "UNDELIV")
        assert [sent.channel for sent in outbox] == ["SMS", "SMS"]

    def test_a_hundred_reports_at_once_cost_no_query_a_message(
        self, make_campaign: CampaignMaker, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign = self.launched(make_campaign, 105, routing="fallback")
        setting(settings, SENDING_ENABLED=False)
        monkeypatch.setattr(processing, "call_worker", lambda: None)
        queries = {}
        for count in (5, 100):
            for row in Message.objects.of_campaign(campaign).filter(status=Status.SUBMITTED)[:count]:
                receive({"messageId": row.transaction_id, "status": "UNDELIV", "mobile": row.phone[1:]})
            with CaptureQueriesContext(connection) as captured:
                assert processing.process_batch() == count
            queries[count] = len(captured)
        assert Hop.objects.filter(cause="undelivered").count() == 105
        assert queries[100] <= queries[5] + 5

    def test_many_failures_at_once_go_on_at_the_pace(
        self, outbox: Outbox, make_campaign: CampaignMaker, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        campaign = self.launched(make_campaign, 40, routing="fallback")
        setting(settings, PACE_PER_SECOND=1.0)
        monkeypatch.setattr(processing, "call_worker", lambda: None)
        outbox.clear()
        now = timezone.now()
        for count in (30, 10):  # two batches of reports
            for row in Message.objects.of_campaign(campaign).filter(status=Status.SUBMITTED)[:count]:
                receive({"messageId": row.transaction_id, "status": "UNDELIV", "mobile": row.phone[1:]})
            assert processing.process_batch() == count
        assert len(outbox) == 1
        waiting = Message.objects.filter(campaign__isnull=True, not_before__isnull=False).order_by(
            "not_before"
        )
        moments = [(message.not_before - now).total_seconds() for message in waiting if message.not_before]
        assert len(moments) == 39
        assert 38 < moments[-1] < 120
        assert all(after - before > 0.5 for before, after in pairwise(moments))
        Message.objects.update(not_before=now)
        sweep()
        assert len(outbox) == 40


def test_a_site_without_channels_pays_nothing(settings: Any) -> None:
    setting(settings, ROUTING_CHANNELS=())
    row = send_message(PHONE, "Hi")
    with CaptureQueriesContext(connection) as queries:
        reported(row, "UNDELIV")
    assert not [query for query in queries if "_hop" in query["sql"]]
