"""Changing and deleting campaigns, also at the moment when somebody else launches them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.editing import change_campaign, delete_campaign
from django_messagecentral.campaigns.estimate import recount
from django_messagecentral.campaigns.imports import _claim, run_import
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging.models import Message
from tests.campaigns.conftest import CampaignMaker, mobile
from tests.conftest import SheetMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]

TEXT = "Hello ##var##, your balance is ##var2##."


@pytest.fixture(autouse=True)
def files_of_its_own(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def no_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "call_pullers", lambda campaign_id: None)


def page(name: str, campaign: Campaign) -> str:
    return reverse(f"admin:messagecentral_campaign_{name}", args=[campaign.pk])


def form(campaign: Campaign, **fields: Any) -> dict[str, Any]:
    now = {
        name: getattr(campaign, name)
        for name in (
            "name",
            "text",
            "channel",
            "message_type",
            "sender_id",
            "template_id",
            "entity_id",
            "mode",
        )
    }
    return {**now, "pace": "", "ends_at_0": "", "ends_at_1": "", **fields}


def operator(*permissions: str) -> Client:
    user = User.objects.create_user("operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def uploads_on_disk() -> list[Path]:
    return [path for path in Path(site.MEDIA_ROOT).rglob("*") if path.is_file()]


class TestChanging:
    def test_a_text_changed_in_time_is_what_is_sent(self, make_campaign: CampaignMaker) -> None:
        campaign = change_campaign(make_campaign(2), text="Dear ##var##.", pace=5.0)
        assert (campaign.text, campaign.pace) == ("Dear ##var##.", 5.0)
        assert set(Message.objects.values_list("segments", flat=True)) == {1}

    def test_a_text_changed_too_late_is_refused_and_what_was_read_is_sent(
        self, make_campaign: CampaignMaker
    ) -> None:
        campaign = make_campaign(1)
        service.launch(Campaign.objects.get(pk=campaign.pk))
        with pytest.raises(service.CampaignError, match="sending: text can no longer be changed"):
            change_campaign(campaign, text="Something else", pace=2.0)
        campaign.refresh_from_db()
        assert (campaign.text, campaign.pace) == (TEXT, None)

    def test_in_the_admin_a_launch_between_page_and_save_wins(
        self, admin_client: Client, make_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The form was read while the campaign was ready; the launch comes before it is saved."""
        from django_messagecentral.campaigns import editing

        campaign = make_campaign(1)
        change = editing.change_campaign

        def late(mine: Campaign, **fields: Any) -> Campaign:
            service.launch(Campaign.objects.get(pk=mine.pk))
            return change(mine, **fields)

        monkeypatch.setattr(editing, "change_campaign", late)
        answer = admin_client.post(page("change", campaign), form(campaign, text="Too late"), follow=True)
        assert "can no longer be changed" in answer.content.decode()
        assert Campaign.objects.get().text == TEXT

    def test_a_text_that_asks_for_a_missing_column_is_refused(self, make_campaign: CampaignMaker) -> None:
        with pytest.raises(service.CampaignError, match="no such column"):
            change_campaign(make_campaign(1), text="Hello ##city##")
        assert Campaign.objects.get().text == TEXT

    def test_how_it_is_sent_is_fixed_once_there_are_recipients(self, make_campaign: CampaignMaker) -> None:
        with pytest.raises(service.CampaignError, match="channel can no longer be changed"):
            change_campaign(make_campaign(1), channel="RCS")

    @pytest.mark.parametrize(
        "fields",
        [
            {"pace": -1.0},
            {"pace": "fast"},
            {"name": "n" * 300},
            {"text": " "},
            {"text": "a\0b"},
            {"name": "\ud800"},
        ],
    )
    def test_a_value_that_cannot_be_is_refused_with_a_sentence(
        self, make_campaign: CampaignMaker, fields: dict[str, Any]
    ) -> None:
        with pytest.raises(service.CampaignError, match=r"^[A-Za-z].*\."):
            change_campaign(make_campaign(1), **fields)

    def test_the_pace_of_what_runs_is_the_launchers_to_change(self, make_campaign: CampaignMaker) -> None:
        campaign = service.launch(make_campaign(1))
        client = operator("view_campaign", "change_campaign")
        client.post(page("change", campaign), form(campaign, pace="7", name="Renamed"))
        campaign.refresh_from_db()
        assert (campaign.pace, campaign.name) == (None, "Renamed")
        User.objects.all().delete()
        client = operator("view_campaign", "change_campaign", "launch_campaign")
        client.post(page("change", campaign), form(campaign, pace="7"))
        campaign.refresh_from_db()
        assert campaign.pace == 7

    def test_an_estimate_survives_the_launch_and_a_broken_upload(
        self, make_campaign: CampaignMaker, make_sheet: SheetMaker
    ) -> None:
        campaign = make_campaign(3)
        CampaignUpload.objects.create(campaign=campaign, status=CampaignUpload.Status.FAILED)
        assert recount(campaign.pk) == 3
        service.launch(campaign)
        recount(campaign.pk)
        assert campaign.uploads.get(status="done").regions == {"IN": [3, 3]}


@pytest.mark.parametrize(
    "options",
    [
        {"channel": "PIGEON"},
        {"message_type": "SPAM"},
        {"pace": -1},
        {"sender_id": "S" * 30},
        {"template_id": "t" * 50, "entity_id": "e"},
        {"name": "n" * 300},
        {"text": "Hello\0"},
        {"text": None},
        {"text": "Half a pair: \ud83d"},
    ],
)
def test_a_campaign_that_cannot_be_is_refused_and_nothing_is_stored(
    make_sheet: SheetMaker, options: dict[str, Any]
) -> None:
    given = {"name": "Test", "text": TEXT, **options}
    with pytest.raises(service.CampaignError, match=r"^[A-Za-z].*\."):
        service.create_campaign(file=make_sheet([[91, mobile(1), "A", 1, "x"]]), **given)
    assert not Campaign.objects.exists()
    assert not uploads_on_disk()


def test_a_file_that_the_campaign_does_not_take_is_not_kept(
    make_campaign: CampaignMaker, make_sheet: SheetMaker
) -> None:
    campaign = service.launch(make_campaign(1))
    before = uploads_on_disk()
    with pytest.raises(service.CampaignError, match="cannot become importing"):
        service.add_upload(campaign, make_sheet([[91, mobile(2), "B", 1, "x"]]))
    assert uploads_on_disk() == before


def test_a_cancel_ends_the_import_of_the_moment(
    make_sheet: SheetMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django_messagecentral.campaigns import tasks

    monkeypatch.setattr(tasks.import_upload, "delay", lambda pk: None)
    campaign = service.create_campaign("Test", TEXT, file=make_sheet([[91, mobile(1), "A", 1, "x"]]))
    upload = campaign.uploads.get()
    assert _claim(upload.pk, upload.public_id)  # a worker has begun
    service.cancel(campaign)
    upload.refresh_from_db()
    assert (upload.status, upload.claim) == (CampaignUpload.Status.FAILED, None)
    assert "cancelled" in upload.error
    assert not run_import(upload.pk)
    assert not Message.objects.exists()


class TestDeleting:
    def test_a_campaign_goes_with_its_recipients_and_files(
        self, admin_client: Client, make_campaign: CampaignMaker
    ) -> None:
        campaign = make_campaign(rows=[[91, mobile(1), "A", 1, "x"], [91, "123", "Bad", 1, "x"]])
        assert uploads_on_disk()
        asked = admin_client.get(page("delete", campaign)).content.decode()
        assert "with its recipients (1)" in asked
        assert "Yes, I" in asked  # the button, and not a list of rights that are missing
        admin_client.post(page("delete", campaign), {"post": "yes"})
        for model in (Campaign, Message, RejectedRow, CampaignUpload):
            assert not model.objects.exists()
        assert not uploads_on_disk()

    def test_what_was_launched_meanwhile_stays(
        self, admin_client: Client, make_campaign: CampaignMaker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from django_messagecentral.campaigns import editing

        campaign = make_campaign(1)
        delete = editing.delete_campaign

        def late(mine: Campaign) -> None:
            service.launch(Campaign.objects.get(pk=mine.pk))
            delete(mine)

        monkeypatch.setattr(editing, "delete_campaign", late)
        answer = admin_client.post(page("delete", campaign), {"post": "yes"}, follow=True)
        assert "is a record" in answer.content.decode()
        assert Campaign.objects.exists()
        assert Message.objects.count() == 1

    def test_a_delete_that_broke_off_can_be_done_again(self, make_campaign: CampaignMaker) -> None:
        campaign = make_campaign(2)
        Campaign.objects.update(status=CampaignStatus.CANCELLED)
        Message.objects.all()[:1].get().delete()
        delete_campaign(campaign)
        assert not Campaign.objects.exists()

    def test_a_cancelled_campaign_that_had_begun_is_a_record(self, make_campaign: CampaignMaker) -> None:
        campaign = service.launch(make_campaign(2))
        service.cancel(campaign)
        with pytest.raises(service.CampaignError, match="is a record"):
            delete_campaign(campaign)
