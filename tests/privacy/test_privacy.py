"""Personal data ends after its time, and on request at once; the counts stay true."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.report import report
from django_messagecentral.messaging import recount, suppression
from django_messagecentral.messaging.markers import UPKEEP, read_marker
from django_messagecentral.messaging.models import Attempt, InboundMessage, Message, Suppression
from django_messagecentral.messaging.states import Status
from django_messagecentral.privacy import person, retention
from django_messagecentral.upkeep import upkeep
from django_messagecentral.verification.models import PhoneLedger, Refusal, Verification
from tests.campaigns.conftest import CampaignMaker, make_campaign, mobile

pytestmark = [pytest.mark.django_db, pytest.mark.db]
__all__ = ["make_campaign"]

PHONE = f"+91{mobile(1)}"
OTHER = f"+91{mobile(2)}"


@pytest.fixture
def campaign(make_campaign: CampaignMaker) -> Campaign:
    """Three recipients, one of them PHONE, and a row that was refused, with its number."""
    rows = [[91, mobile(n), f"N{n}", n, "x"] for n in range(3)] + [["Atlantis", mobile(1), "A", 1, "x"]]
    return make_campaign(rows=rows)


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
    Verification.objects.create(phone=PHONE, purpose="login", subject="u:1")
    PhoneLedger.objects.create(phone=PHONE)
    Refusal.objects.create(
        hour=timezone.now(), reason="cooldown", scope=PHONE, last_phone=PHONE, last_ip="10.0.0.1"
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


class TestAPerson:
    def test_the_export_holds_all_that_is_known(self, campaign: Campaign) -> None:
        fill(campaign)
        out = io.StringIO()
        call_command("messagecentral_export_phone", mobile(1), stdout=out)
        given = json.loads(out.getvalue())
        kinds = {kind for kind, rows in given.items() if kind != "phone" and rows}
        everything = {
            *("messages", "texts", "attempts", "delivery_reports", "inbound", "opt_outs"),
            *("rejected_rows", "verifications", "allowances", "refusals"),
        }
        assert kinds == everything
        assert "Dear Asha" in out.getvalue()
        assert mobile(2) not in out.getvalue()

    def test_nothing_of_it_is_left_after_erasing_but_the_opt_out_and_the_counts(
        self, campaign: Campaign
    ) -> None:
        fill(campaign)
        path = campaign.uploads.get().file.path
        before = report(campaign).as_dict()
        call_command("messagecentral_erase_phone", PHONE, yes=True, stdout=io.StringIO())
        assert tables_with(mobile(1)) == {"Suppression"}
        assert tables_with("Asha") == tables_with("t-2") == set()
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

    def test_words_and_addresses_end_and_rows_and_counts_stay(self, campaign: Campaign) -> None:
        fill(campaign)
        InboundMessage.objects.create(fingerprint="g", phone=PHONE, text="STOP", action="out", payload={})
        self.age(31)
        path, before = campaign.uploads.get().file.path, report(campaign).counts
        out = io.StringIO()
        call_command("messagecentral_purge", days=30, stdout=out)
        assert "messages: 2" in out.getvalue()
        assert Message.objects.filter(phone=PHONE, text="", variables=[]).count() == 2
        assert not Callback.objects.exists()
        assert not Refusal.objects.exists()
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
