"""Personal data ends after its time, and on request at once; the counts stay true."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_messagecentral.callbacks.conversion import Conversion, conversion
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.report import report
from django_messagecentral.messaging import recount, suppression
from django_messagecentral.messaging.markers import UPKEEP, read_marker
from django_messagecentral.messaging.models import Attempt, InboundMessage, Message, Suppression
from django_messagecentral.messaging.states import Status
from django_messagecentral.privacy import person, retention, verifications
from django_messagecentral.upkeep import upkeep
from django_messagecentral.verification.models import Challenge, PhoneLedger, Refusal, Verification
from tests.campaigns.conftest import CampaignMaker, make_campaign, mobile

pytestmark = [pytest.mark.django_db, pytest.mark.db]
__all__ = ["make_campaign"]

PHONE = f"+91{mobile(1)}"
OTHER = f"+91{mobile(2)}"
HOUR = timezone.now().replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def campaign(make_campaign: CampaignMaker) -> Campaign:
    """Three recipients, one of them PHONE, and a row that was refused, with its number."""
    rows = [[91, mobile(n), f"N{n}", n, "x"] for n in range(3)] + [["Atlantis", mobile(1), "A", 1, "x"]]
    return make_campaign(rows=rows)


def make_code(phone: str = PHONE, **more: Any) -> Challenge:
    """A code that was sent and entered."""
    now = timezone.now()
    given = {
        "status": "used", "mode": "own", "purpose": "login", "subject": "u:1", "channel": "SMS",
        "region": "IN", "code_length": 6, "salt": "s-1", "code_hash": "h-1", "vendor_id": "v-1",
        "transaction_id": "t-3",
        "sent_at": now, "expires_at": now, "held_until": now, "allowance": "u:1", "units": {"ip": "k-1"},
        "error": f"to {phone}",
    }  # fmt: skip
    return Challenge.objects.create(phone=phone, **given | more)


def fill(campaign: Campaign) -> None:
    """Everything this app can know of PHONE."""
    Message.objects.filter(phone=PHONE).update(
        status=Status.DELIVERED, transaction_id="t-1", error="to " + PHONE
    )
    single = Message.objects.create(
        phone=PHONE, text="Dear Asha", status=Status.DELIVERED, idempotency_key="k", transaction_id="t-2"
    )
    Attempt.objects.create(message=single, outcome="accepted", detail=f"to {PHONE}", transaction_id="t-2")
    receive({"messageId": "t-1", "status": "DELIVRD", "mobile": PHONE[1:]})
    InboundMessage.objects.create(
        fingerprint="f", phone=PHONE, text="STOP please, Asha", payload={"a": PHONE}
    )
    suppression.suppress(PHONE, source="keyword")
    code = make_code()
    Callback.objects.create(
        fingerprint="of a code",
        payload={"mobile": PHONE[1:]},
        phone=PHONE,
        vendor_message_id="t-3",
        vendor_status="DELIVRD",
        remote_ip="10.0.0.2",
        challenge=code,
    )
    user = get_user_model().objects.get_or_create(username="asha")[0]
    Verification.objects.create(
        phone=PHONE, purpose="login", subject="u:1", allowance="u:1", user=user, locale="hi", challenge=code,
        status="verified", verified_at=timezone.now(),
    )  # fmt: skip
    PhoneLedger.objects.create(phone=PHONE, holder="u:1", sends=[1.0])
    Refusal.objects.create(
        hour=HOUR, reason="cooldown", scope=f"phone:{PHONE}", count=3, last_phone=PHONE, last_ip="10.0.0.1"
    )
    recount.mend(recount.differences(campaign.pk))


def tables_with(word: str) -> set[str]:
    """Names of models of the app that still hold ``word`` anywhere."""
    from django.apps import apps

    found = set()
    for model in apps.get_app_config("messagecentral").get_models():
        for row in model._default_manager.values():
            if word in json.dumps(row, default=str):
                found.add(model.__name__)
    return found


def sums() -> list[Conversion]:
    """The conversions of all time."""
    day = timedelta(days=400)
    return conversion(timezone.now() - day, timezone.now() + day)


class TestAPerson:
    def test_the_export_holds_all_that_is_known(self, campaign: Campaign) -> None:
        fill(campaign)
        out = io.StringIO()
        call_command("messagecentral_export_phone", mobile(1), stdout=out)
        given = json.loads(out.getvalue())
        kinds = {kind for kind, rows in given.items() if kind != "phone" and rows}
        everything = {
            *("messages", "texts", "attempts", "delivery_reports", "inbound", "opt_outs"),
            *("rejected_rows", "verifications", "codes", "allowances", "refusals"),
        }
        assert kinds == everything
        assert "Dear Asha" in out.getvalue()
        assert mobile(2) not in out.getvalue()

    def test_nothing_of_it_is_left_after_erasing_but_the_opt_out_and_the_counts(
        self, campaign: Campaign
    ) -> None:
        fill(campaign)
        path = campaign.uploads.get().file.path
        before, codes = report(campaign).as_dict(), sums()
        call_command("messagecentral_erase_phone", PHONE, yes=True, stdout=io.StringIO())
        assert tables_with(mobile(1)) == {"Suppression"}
        for word in ("Asha", "t-2", "t-3", "v-1", "s-1", "h-1", "k-1", "u:1", "10.0.0.", "hi"):
            assert tables_with(f'"{word}') == set(), word
        assert (sums(), Refusal.objects.get().count) == (codes, 3)
        assert tables_with(mobile(2)) == {"Message"}
        assert report(campaign).as_dict() | {"seconds": None} == before | {"seconds": None}
        assert recount.differences(campaign.pk) == []
        with pytest.raises(FileNotFoundError):
            open(path, "rb")  # noqa: SIM115
        call_command(
            "messagecentral_erase_phone", PHONE, yes=True, forget_opt_outs=True, stdout=io.StringIO()
        )
        assert tables_with(mobile(1)) == set()

    def test_what_waited_is_cancelled(self, campaign: Campaign) -> None:
        assert person.erase(PHONE)["messages"] == 1
        assert sorted(Message.objects.values_list("status", flat=True)) == ["cancelled", "draft", "draft"]
        assert recount.differences(campaign.pk) == []

    def test_while_it_is_being_sent_nothing_is_erased(self, campaign: Campaign) -> None:
        Message.objects.filter(phone=PHONE).update(status=Status.SENDING)
        with pytest.raises(CommandError, match="in a minute"):
            call_command("messagecentral_erase_phone", PHONE, yes=True)
        assert Message.objects.filter(phone=PHONE).exists()

    def test_while_a_sheet_is_being_read_nothing_is_erased(self, campaign: Campaign) -> None:
        CampaignUpload.objects.create(campaign=campaign, status=CampaignUpload.Status.IMPORTING)
        Campaign.objects.update(status="importing")
        with pytest.raises(person.BeingSent, match="imported"):
            person.erase(PHONE)
        assert Message.objects.filter(phone=PHONE).exists()
        Campaign.objects.update(status="cancelled")  # nobody reads it any more
        assert person.erase(PHONE)["messages"] == 1

    def test_while_a_code_is_being_sent_nothing_is_erased(self, campaign: Campaign) -> None:
        soon = timezone.now() + timedelta(seconds=30)
        make_code(status="sending", living_key=PHONE, held_until=soon)
        with pytest.raises(person.BeingSent, match="in a minute"):
            person.erase(PHONE)
        make_code(OTHER, status="living", living_key=OTHER, held_until=soon)
        Verification.objects.create(
            phone=OTHER, purpose="login", subject="s:1", challenge=Challenge.objects.get(phone=OTHER)
        )
        person.erase(OTHER)
        assert not Challenge.objects.filter(living_key=OTHER).exists()
        assert Verification.objects.get().status == "cancelled"

    def test_it_asks_first(self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("builtins.input", lambda question: "")
        with pytest.raises(CommandError, match="Nothing was erased"):
            call_command("messagecentral_erase_phone", PHONE)
        assert Message.objects.filter(phone=PHONE).exists()


class TestRetention:
    def age(self, days: int) -> None:
        then = timezone.now() - timedelta(days=days)
        Message.objects.filter(phone=PHONE).update(created_at=then)
        Callback.objects.update(received_at=then)
        InboundMessage.objects.update(received_at=then)
        CampaignUpload.objects.update(created_at=then)
        Refusal.objects.update(last_at=then)
        Verification.objects.update(created_at=then)
        Challenge.objects.update(created_at=then, sent_at=then, expires_at=then, held_until=then)
        PhoneLedger.objects.update(changed_at=then)

    def test_words_and_addresses_end_and_rows_and_counts_stay(self, campaign: Campaign) -> None:
        fill(campaign)
        InboundMessage.objects.create(fingerprint="g", phone=PHONE, text="STOP", action="out", payload={})
        self.age(31)
        path, before, codes = campaign.uploads.get().file.path, report(campaign).counts, sums()
        out = io.StringIO()
        call_command("messagecentral_purge", days=30, stdout=out)
        assert "messages: 2" in out.getvalue()
        assert Message.objects.filter(phone=PHONE, text="", variables=[]).count() == 2
        assert (codes[0].sent, codes[0].delivered, codes[0].entered) == (1, 1, 1)
        assert sums() == codes
        assert Callback.objects.values_list("phone", "payload", "remote_ip").get() == ("", None, None)
        assert Refusal.objects.values_list("scope", "last_phone", "last_ip", "count").get() == (
            "",
            "",
            None,
            3,
        )
        assert Verification.objects.values_list("phone", "subject", "user", "purpose", "status").get() == (
            *("", "", None, "login", "verified"),
        )
        for word in ("v-1", "t-3", "s-1", "h-1", "k-1", "u:1", "10.0.0."):
            assert tables_with(f'"{word}') == set(), word
        assert not PhoneLedger.objects.exists()
        assert InboundMessage.objects.values_list("text", "action").get() == ("", "out")
        assert RejectedRow.objects.get().cells == []
        assert Suppression.objects.exists()
        assert report(campaign).counts == before
        with pytest.raises(FileNotFoundError):
            open(path, "rb")  # noqa: SIM115
        assert not any(retention.purge(30).values())

    def test_what_is_younger_or_still_waits_is_kept(self, campaign: Campaign) -> None:
        fill(campaign)
        self.age(29)
        assert not any(retention.purge(30).values())
        self.age(31)
        Message.objects.filter(phone=PHONE).update(status=Status.QUEUED)
        assert retention.purge(30)["messages"] == 0
        assert Message.objects.filter(phone=PHONE, text="Dear Asha").exists()

    def test_a_code_that_lives_and_a_lock_in_force_are_kept(self, campaign: Campaign) -> None:
        make_code(status="living", living_key=PHONE)
        PhoneLedger.objects.create(phone=PHONE, locked_until=timezone.now() + timedelta(hours=1))
        self.age(31)
        Challenge.objects.update(held_until=timezone.now() + timedelta(hours=1))
        retention.purge(30)
        assert Challenge.objects.get().living_key == PHONE
        assert PhoneLedger.objects.get().phone == PHONE
        self.age(31)
        PhoneLedger.objects.update(locked_until=None)
        assert retention.purge(30)["codes"] == 1
        assert Challenge.objects.get().living_key is None
        assert not PhoneLedger.objects.exists()

    def test_refusals_of_one_hour_are_counted_on_together(self, campaign: Campaign) -> None:
        for number in range(5):
            Refusal.objects.create(
                hour=HOUR, reason="cooldown", scope=f"phone:{number}", count=number, last_ip="10.0.0.1"
            )
        Refusal.objects.create(hour=HOUR, reason="cooldown", scope="", count=7)
        Refusal.objects.create(hour=HOUR, reason="ip_limit", scope="ip:10.0.0.1", count=2)
        Refusal.objects.update(last_at=timezone.now() - timedelta(days=31))
        assert retention.purge(30)["refusals"] == 6
        left = Refusal.objects.order_by("reason").values_list("reason", "scope", "count", "last_ip")
        assert list(left) == [("cooldown", "", 17, None), ("ip_limit", "", 2, None)]
        assert retention.purge(30)["refusals"] == 0

    def test_a_walk_goes_on_where_it_ended(self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(verifications, "SLACK", 0)
        old = timezone.now() - timedelta(days=31)
        for number in range(3):
            Verification.objects.create(
                phone=f"+9198{number:08}",
                purpose="p",
                subject="s:1",
                created_at=old + timedelta(hours=number),
            )
        assert retention.purge(30)["verifications"] == 3
        Verification.objects.create(phone=PHONE, purpose="p", subject="s:1", created_at=old)
        young = Verification.objects.create(phone=OTHER, purpose="p", subject="s:1")
        assert retention.purge(30)["verifications"] == 1
        assert list(Verification.objects.exclude(phone="")) == [young]

    def test_a_slice_goes_on_where_the_last_one_stopped(
        self, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = timezone.now() - timedelta(days=40)
        Message.objects.all().delete()
        Message.objects.bulk_create(
            Message(phone=f"+9197{n:08}", text="x", status=Status.DELIVERED, created_at=old)
            for n in range(10)
        )
        monkeypatch.setattr(retention, "BATCH", 4)
        done = [retention.purge(30, seconds=0)["messages"] for _ in range(4)]
        assert done == [4, 4, 2, 0]

    def test_the_task_purges_by_the_setting_and_without_one_nothing(
        self, campaign: Campaign, settings: Any
    ) -> None:
        fill(campaign)
        self.age(31)
        upkeep()
        assert Message.objects.filter(text="Dear Asha").exists()
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "RETENTION_DAYS": 30}
        upkeep()
        assert not Message.objects.filter(text="Dear Asha").exists()
        assert read_marker(UPKEEP).at is not None
        with pytest.raises(CommandError, match="RETENTION_DAYS"):
            call_command("messagecentral_purge", days=0)
