"""Whoever said STOP is left alone, whichever door a promotion comes through."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from django_messagecentral import send_message, signals
from django_messagecentral.campaigns import service as campaigns
from django_messagecentral.campaigns.dispatch import dispatch
from django_messagecentral.campaigns.sweep import send_orphans
from django_messagecentral.exceptions import InvalidArgument
from django_messagecentral.messaging import suppression, unsubscribe
from django_messagecentral.messaging.models import InboundMessage, Message, Suppression
from django_messagecentral.messaging.segments import count_segments
from django_messagecentral.messaging.service import deliver
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import move
from django_messagecentral.privacy import person
from django_messagecentral.sandbox import SandboxServer
from tests.campaigns.conftest import CampaignMaker, make_campaign, mobile
from tests.settings import WEBHOOK_TOKEN

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]
__all__ = ["make_campaign"]

PHONE = f"+91{mobile(1)}"
URL = "https://example.com/messagecentral/unsubscribe/"


@pytest.fixture
def day(settings: Any) -> None:
    """Promotions leave at any hour."""
    settings.MESSAGECENTRAL = {
        **settings.MESSAGECENTRAL,
        "QUIET_HOURS_ALLOWED": ("00:00", "23:59"),
        "UNSUBSCRIBE_URL": URL,
    }


@pytest.fixture(autouse=True)
def no_pullers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "call_pullers", lambda campaign_id: None)


class TestEveryDoor:
    """``PHONE`` said STOP; what is left of the site's promotions goes to the others."""

    @pytest.fixture(autouse=True)
    def _stopped(self, day: None, on_sandbox: SandboxServer) -> Any:
        self.sandbox = on_sandbox
        yield
        assert not on_sandbox.messages(PHONE[1:])

    def stop(self) -> None:
        assert suppression.obey_keyword(PHONE, "Stop!") == "out"

    def test_send_message(self) -> None:
        self.stop()
        message = send_message(PHONE, "Sale!", message_type="PROMOTIONAL")
        message.refresh_from_db()
        assert message.status == Status.SUPPRESSED

    def test_a_single_message_that_waited_when_the_word_came(self, settings: Any) -> None:
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "SENDING_ENABLED": False}
        message = send_message(PHONE, "Sale!", message_type="PROMOTIONAL")
        self.stop()
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "SENDING_ENABLED": True}
        Message.objects.update(not_before=message.created_at)
        send_orphans()
        message.refresh_from_db()
        assert message.status == Status.SUPPRESSED

    def test_a_sheet_uploaded_afterwards(self, make_campaign: CampaignMaker) -> None:
        self.stop()
        campaign = campaigns.launch(make_campaign(3, message_type="PROMOTIONAL"))
        dispatch(campaign.pk)
        assert len(self.sandbox.messages()) == 2

    def test_a_campaign_that_was_launched_before(self, make_campaign: CampaignMaker) -> None:
        campaign = campaigns.launch(make_campaign(3, message_type="PROMOTIONAL"))
        move(Message.objects.all(), Status.DRAFT, Status.QUEUED, Cause.PLAN)
        self.stop()
        dispatch(campaign.pk)
        assert len(self.sandbox.messages()) == 2

    def test_a_person_who_sends_a_failed_one_again(self) -> None:
        message = Message.objects.create(
            phone=PHONE, text="Sale!", message_type="PROMOTIONAL", status=Status.FAILED, segments=1
        )
        self.stop()
        move(Message.objects.filter(pk=message.pk), Status.FAILED, Status.QUEUED, Cause.OPERATOR)
        assert deliver(message.pk) is False
        message.refresh_from_db()
        assert message.status == Status.SUPPRESSED

    def test_an_opt_out_of_one_channel_or_type_alone(self) -> None:
        suppression.suppress(PHONE, channel="SMS", message_type="PROMOTIONAL")
        send_message(PHONE, "Sale!", message_type="PROMOTIONAL")
        assert Message.objects.get().status == Status.SUPPRESSED


def test_one_time_passwords_are_the_sites_choice(settings: Any) -> None:
    suppression.obey_keyword(PHONE, "STOP")
    asked: dict[str, Any] = {"channel": "SMS", "message_type": "OTP"}
    assert suppression.suppressed_phones([PHONE], **asked) == set()
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "OPT_OUT_STOPS_OTP": True}
    assert suppression.suppressed_phones([PHONE], **asked) == {PHONE}
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "OPT_OUT_STOPS_OTP": False}
    suppression.suppress(PHONE, message_type="OTP")
    assert suppression.suppressed_phones([PHONE], **asked) == {PHONE}


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("STOP", "out"),
        (" stop. ", "out"),
        ("Stop  all!!", "out"),
        ("ＳＴＯＰ", "out"),
        ("STOP UTOMOB", "out"),
        ("Unsubscribe", "out"),
        ("start", "in"),
        ("stop sending me the blue shirt, send the red one", ""),
        ("Cancel my order", ""),
        ("", ""),
        ("!!!", ""),
        ("UTOMOB", ""),
    ],
)
def test_keywords(text: str, action: str) -> None:
    assert suppression.keyword_of(text) == action


def inbound(client: Client, payload: Any, **extra: Any) -> Any:
    url = reverse("messagecentral:inbound", args=[WEBHOOK_TOKEN])
    return client.post(url, payload, **{"content_type": "application/json", **extra})


class TestTheInboundDoor:
    def test_stop_and_start(self, client: Client) -> None:
        heard: list[Any] = []

        def listen(message: Any, **_: Any) -> None:
            heard.append((message.phone, message.text, message.action))

        signals.inbound_received.connect(listen)
        try:
            inbound(client, {"mobile": PHONE[1:], "message": "STOP", "messageId": "m-1"})
            row = Suppression.objects.get()
            assert (row.phone, row.channel, row.message_type, row.source) == (PHONE, "", "", "keyword")
            Suppression.objects.create(phone=PHONE, channel="RCS", source="staff")
            inbound(client, {"mobile": PHONE, "message": "START", "messageId": "m-2"})
        finally:
            signals.inbound_received.disconnect(listen)
        assert Suppression.objects.get().source == "staff"
        assert heard == [(PHONE, "STOP", "out"), (PHONE, "START", "in")]

    def test_a_gateway_of_another_shape(self, client: Client, settings: Any) -> None:
        fields = {"phone": "data.from", "text": "data.body", "id": "id"}
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "INBOUND_FIELDS": fields}
        payload = [{"id": n, "data": {"from": int(PHONE[1:]), "body": "stop"}} for n in (1, 2, 1)]
        assert inbound(client, payload).json() == {"stored": 2}
        assert Suppression.objects.get().phone == PHONE

    def test_a_form(self, client: Client) -> None:
        body = f"mobile={PHONE[1:]}&message=stop"
        answer = inbound(client, body, content_type="application/x-www-form-urlencoded")
        assert (answer.status_code, Suppression.objects.get().phone) == (200, PHONE)

    def test_the_same_text_twice_is_one(self, client: Client) -> None:
        payload = {"mobile": PHONE[1:], "message": "Hello", "messageId": "m-1"}
        assert [inbound(client, payload).json()["stored"] for _ in range(2)] == [1, 0]

    @pytest.mark.parametrize(
        "payload", [{}, [], None, 7, '"STOP"', {"mobile": "x", "message": "STOP"}, {"mobile": []}]
    )
    def test_what_is_no_text_is_kept_and_stops_nobody(self, client: Client, payload: Any) -> None:
        assert inbound(client, payload).status_code == 200
        assert not Suppression.objects.exists()
        assert not InboundMessage.objects.exclude(action="unreadable").exists()

    def test_a_stranger_stops_nobody(self, client: Client) -> None:
        url = reverse("messagecentral:inbound", args=["not-the-token-0123456789"])
        payload = {"mobile": PHONE[1:], "message": "STOP"}
        assert client.post(url, payload, content_type="application/json").status_code == 403
        assert not Suppression.objects.exists()


class TestTheLink:
    @pytest.fixture(autouse=True)
    def _day(self, day: None) -> None:
        pass

    def path(self, message: Message) -> str:
        return unsubscribe.link(message.public_id).removeprefix("https://example.com")

    def test_each_recipient_of_a_campaign_gets_an_own_one(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        text = "Sale, ##var##! No more: ##unsubscribe##"
        campaign = make_campaign(2, text=text, message_type="PROMOTIONAL")
        dispatch(campaigns.launch(campaign).pk)
        for n in range(2):
            row = Message.objects.get(phone=f"+91{mobile(n)}")
            says = on_sandbox.messages(row.phone[1:])[0]["text"]
            assert says == f"Sale, N{n}! No more: {unsubscribe.link(row.public_id)}"
            assert row.segments == count_segments(says)

    def test_a_single_message_has_it_too(self, on_sandbox: SandboxServer) -> None:
        message = send_message(PHONE, "Sale! " + "x" * 90 + " ##unsubscribe##", message_type="PROMOTIONAL")
        says = on_sandbox.messages(PHONE[1:])[0]["text"]
        assert says.endswith(unsubscribe.link(message.public_id))
        assert message.segments == count_segments(says) == 2

    def test_one_click_opts_out_and_opening_the_page_does_not(self, on_sandbox: SandboxServer) -> None:
        message = send_message(PHONE, "Sale! ##unsubscribe##", message_type="PROMOTIONAL")
        stranger = Client(enforce_csrf_checks=True)
        page = stranger.get(self.path(message))
        assert page.status_code == stranger.head(self.path(message)).status_code == 200
        assert PHONE not in page.content.decode()
        assert not Suppression.objects.exists()
        assert stranger.post(self.path(message), {"List-Unsubscribe": "One-Click"}).status_code == 200
        assert stranger.post(self.path(message), {"List-Unsubscribe": "One-Click"}).status_code == 200
        row = Suppression.objects.get()
        assert (row.phone, row.message_type, row.source) == (PHONE, "PROMOTIONAL", "link")
        again = send_message(PHONE, "Sale!", message_type="PROMOTIONAL")
        again.refresh_from_db()
        assert again.status == Status.SUPPRESSED
        stranger.post(self.path(message), {"undo": "1"})
        assert not Suppression.objects.exists()

    def test_the_link_of_an_erased_phone_promises_nothing(self, client: Client) -> None:
        message = send_message(PHONE, "Sale! ##unsubscribe##", message_type="PROMOTIONAL")
        person.erase(PHONE)
        assert client.get(self.path(message)).status_code == 404
        answer = client.post(self.path(message), {"List-Unsubscribe": "One-Click"})
        assert (answer.status_code, Suppression.objects.count()) == (404, 0)

    @pytest.mark.parametrize("change", ["signature", "id", "length", "rubbish"])
    def test_a_forged_link_stops_nobody(self, change: str, client: Client) -> None:
        message = Message.objects.create(phone=PHONE)
        token = unsubscribe.token(message.public_id)
        forged = {
            "signature": token[:-2] + ("AA" if token[-2:] != "AA" else "BB"),
            "id": ("A" if token[0] != "A" else "B") + token[1:],
            "length": token[:-4],
            "rubbish": "%F0%9F%98%80",
        }[change]
        answer = client.post(f"/messagecentral/unsubscribe/{forged}", {"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 404
        assert not Suppression.objects.exists()

    def test_a_link_of_a_retired_key_still_works(self, settings: Any) -> None:
        message = Message.objects.create(phone=PHONE)
        token = unsubscribe.token(message.public_id)
        settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = (
            "another key of good length",
            [settings.SECRET_KEY],
        )
        assert unsubscribe.message_of(token) == message
        settings.SECRET_KEY_FALLBACKS = []
        assert unsubscribe.message_of(token) is None

    def test_without_an_address_the_variable_is_refused(self, settings: Any) -> None:
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "UNSUBSCRIBE_URL": ""}
        with pytest.raises(InvalidArgument, match="UNSUBSCRIBE_URL"):
            send_message(PHONE, "Sale! ##unsubscribe##")

    def test_a_column_of_that_name_wins(self, make_sheet: Any, on_sandbox: SandboxServer) -> None:
        from django_messagecentral.campaigns.imports import run_import

        sheet = make_sheet([[91, mobile(1), "own"]], header=("Country", "Mobile", "Unsubscribe"))
        campaign = campaigns.create_campaign("c", "Hi ##unsubscribe##", file=sheet)
        run_import(campaign.uploads.get().pk)
        campaign.refresh_from_db()
        dispatch(campaigns.launch(campaign).pk)
        assert on_sandbox.messages(PHONE[1:])[0]["text"] == "Hi own"
