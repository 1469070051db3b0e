"""A script changes and deletes campaigns, adds recipients, and decides about doubtful messages."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from openpyxl import load_workbook

from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import move
from django_messagecentral.rest.schema import XLSX
from tests.campaigns.conftest import CampaignMaker, make_campaign
from tests.conftest import SheetMaker
from tests.rest.conftest import ApiMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db, pytest.mark.urls("tests.rest.urls")]
__all__ = ["make_campaign"]


def url(campaign: Campaign, door: str = "") -> str:
    return f"/api/campaigns/{campaign.public_id}/{door}"


@pytest.fixture
def draft(db: None) -> Campaign:
    return service.create_campaign("Diwali", "Hello!")


class TestChanging:
    def test_what_is_not_named_stays(self, api: ApiMaker, draft: Campaign) -> None:
        client = api("change_campaign")
        answer = client.patch(url(draft), {"text": "Good morning!", "pace": 5}, format="json")
        assert (answer.status_code, answer.json()["text"], answer.json()["pace"]) == (
            200,
            "Good morning!",
            5.0,
        )
        draft.refresh_from_db()
        assert (draft.name, draft.text, draft.pace) == ("Diwali", "Good morning!", 5.0)
        assert client.patch(url(draft), {"pace": None}, format="json").json()["pace"] is None

    @pytest.mark.parametrize(
        "body", [{"template_id": "t"}, {"text": "  "}, {"pace": 0}, {"channel": "PIGEON"}, {"text": "a\0b"}]
    )
    def test_nonsense_is_400_and_changes_nothing(self, api: ApiMaker, draft: Campaign, body: Any) -> None:
        answer = api("change_campaign").patch(url(draft), body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        draft.refresh_from_db()
        assert (draft.text, draft.template_id, draft.pace) == ("Hello!", "", None)

    def test_the_text_of_a_launched_campaign_is_a_conflict(
        self, api: ApiMaker, make_campaign: CampaignMaker
    ) -> None:
        campaign = service.launch(make_campaign(1))
        answer = api("change_campaign", "launch_campaign").patch(url(campaign), {"text": "x"}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        campaign.refresh_from_db()
        assert campaign.text != "x"

    @pytest.mark.parametrize("field", ["pace", "ends_at"])
    def test_what_leaves_when_is_for_those_who_may_launch(
        self, api: ApiMaker, make_campaign: CampaignMaker, field: str
    ) -> None:
        value = {"pace": 3.0, "ends_at": (timezone.now() + timedelta(days=9)).isoformat()}[field]
        campaign = make_campaign(1)
        clerk, boss = api("change_campaign"), api("change_campaign", "launch_campaign")
        assert clerk.patch(url(campaign), {field: value}, format="json").status_code == 200
        service.launch(campaign, at=timezone.now() + timedelta(days=1))
        Campaign.objects.update(**{field: None})
        assert clerk.patch(url(campaign), {field: value}, format="json").status_code == 403
        assert clerk.patch(url(campaign), {"name": "New"}, format="json").json()["name"] == "New"
        assert getattr(Campaign.objects.get(), field) is None
        assert boss.patch(url(campaign), {field: value}, format="json").status_code == 200
        assert getattr(Campaign.objects.get(), field) is not None


class TestDeleting:
    def test_with_its_recipients_and_files(self, api: ApiMaker, make_campaign: CampaignMaker) -> None:
        campaign = make_campaign(3)
        (name,) = CampaignUpload.objects.values_list("file", flat=True)
        assert api("change_campaign").delete(url(campaign)).status_code == 403
        assert api("delete_campaign").delete(url(campaign)).status_code == 204
        assert not Campaign.objects.exists()
        assert not Message.objects.exists()
        assert not default_storage.exists(name)

    def test_what_was_sent_is_a_record(self, api: ApiMaker, make_campaign: CampaignMaker) -> None:
        campaign = service.launch(make_campaign(1))
        answer = api("delete_campaign").delete(url(campaign))
        assert (answer.status_code, Campaign.objects.count()) == (409, 1)


class TestRecipients:
    def phones(self) -> list[str]:
        return list(Message.objects.order_by("phone").values_list("phone", flat=True))

    def test_typed_numbers(self, api: ApiMaker, draft: Campaign) -> None:
        body = {"numbers": "98765 43210\n98765-43211; 12", "country": "India"}
        answer = api("import_campaign").post(url(draft, "numbers/"), body, format="json")
        assert answer.status_code == 202
        assert self.phones() == ["+919876543210", "+919876543211"]
        (found,) = api("view_campaign").get(url(draft, "uploads/")).json()["results"]
        assert (found["accepted"], found["rejected"]) == (2, 1)
        assert [(each["rows"], bool(each["reason"])) for each in found["problems"]] == [(1, True)]

    @pytest.mark.parametrize(
        ("recipients", "more"),
        [
            (["98765 43210", "+44 7911 123456"], {}),
            ([{"Mobile": "9876543210"}, {"name": "Ann", "Mobile": "+447911123456"}], {}),
            ([["98765 43210", 1], ["+447911123456", None]], {}),
            ([["a", "9876543210"], ["b", "+447911123456"]], {"columns": ["name", "Mobile"]}),
            ([{"phone": "9876543210", "x": 1}, {"phone": "+447911123456"}], {"columns": ["phone"]}),
        ],
    )
    def test_json(self, api: ApiMaker, draft: Campaign, recipients: Any, more: Any) -> None:
        body = {"recipients": recipients, **more}
        answer = api("import_campaign").post(url(draft, "recipients/"), body, format="json")
        assert answer.status_code == 202, answer.content
        assert self.phones() == ["+447911123456", "+919876543210"]

    @pytest.mark.parametrize(
        "recipients",
        [
            [],
            [{"Mobile": "98"}, "98"],
            [["98"], {"a": 1}],
            [1],
            [None],
            [{"a": {"b": 1}}],
            [[[1]]],
            "98",
            [{}],
        ],
    )
    def test_what_is_no_list_of_recipients_is_refused(
        self, api: ApiMaker, draft: Campaign, recipients: Any
    ) -> None:
        client = api("import_campaign")
        answer = client.post(url(draft, "recipients/"), {"recipients": recipients}, format="json")
        assert (answer.status_code, CampaignUpload.objects.count()) == (400, 0)

    def test_a_country_that_is_none_is_refused(self, api: ApiMaker, draft: Campaign) -> None:
        body = {"numbers": "98765 43210", "country": "Atlantis"}
        answer = api("import_campaign").post(url(draft, "numbers/"), body, format="json")
        assert (answer.status_code, list(answer.json()["invalid_fields"])) == (400, ["country"])

    def test_a_launched_campaign_takes_none(self, api: ApiMaker, make_campaign: CampaignMaker) -> None:
        campaign = service.launch(make_campaign(1))
        client = api("import_campaign")
        assert client.post(url(campaign, "numbers/"), {"numbers": "9876543210"}).status_code in (400, 409)
        assert Message.objects.count() == 1


class TestRejectedRows:
    @pytest.fixture
    def campaign(self, make_campaign: CampaignMaker) -> Campaign:
        return make_campaign(rows=[[91, "9876543210", "A", 1, "x"], [91, "12", "B", 2, "x"]])

    def test_the_download_is_the_admins(self, api: ApiMaker, campaign: Campaign) -> None:
        client = api("export_campaign", "view_phone_numbers")
        answer = client.get(url(campaign, "rejected/download/"))
        assert (answer.status_code, answer["Content-Type"]) == (200, XLSX)
        rows = list(load_workbook(io.BytesIO(answer.content)).active.iter_rows(values_only=True))
        assert (len(rows), rows[1][1]) == (2, "12")
        assert client.get(url(campaign, "rejected/download/"), headers={"accept": XLSX}).status_code == 200
        refused = client.get(url(campaign, "rejected/download/"), headers={"accept": "text/csv"})
        assert (refused.status_code, refused["Content-Type"]) == (406, "application/problem+json")

    def test_numbers_in_full_need_their_permission(self, api: ApiMaker, campaign: Campaign) -> None:
        answer = api("export_campaign").get(url(campaign, "rejected/download/"), headers={"accept": XLSX})
        assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
        assert api("view_phone_numbers").get(url(campaign, "rejected/download/")).status_code == 403

    def test_the_preview_masks_too(self, api: ApiMaker, campaign: Campaign) -> None:
        (shown,) = api("view_campaign").get(url(campaign, "preview/")).json()
        assert shown == {
            "phone": "+91••••••3210",
            "text": "Hello A, your balance is 1.",
            "encoding": "GSM-7",
            "segments": 1,
        }
        (shown,) = api("view_campaign", "view_phone_numbers").get(url(campaign, "preview/")).json()
        assert shown["phone"] == "+919876543210"


class TestDoubtful:
    @pytest.fixture
    def campaign(self, make_campaign: CampaignMaker) -> Campaign:
        """Two of three messages may have left; everybody's lease ended long ago."""
        campaign = service.launch(make_campaign(3))
        rows = Message.objects.of_campaign(campaign)
        move(rows, Status.DRAFT, Status.QUEUED, Cause.PLAN)
        first = list(rows.order_by("pk").values_list("pk", flat=True)[:2])
        move(Message.objects.filter(pk__in=first), Status.QUEUED, Status.SENDING, Cause.OWNER)
        move(rows, Status.SENDING, Status.UNCONFIRMED, Cause.SWEEP)
        return campaign

    def of(self, campaign: Campaign, status: Status) -> int:
        return Message.objects.of_campaign(campaign).filter(status=status).count()

    def test_it_is_told_what_a_decision_means(self, api: ApiMaker, campaign: Campaign) -> None:
        told = api("view_campaign").get(url(campaign, "unconfirmed/")).json()
        assert (told["ready"], told["too_fresh"], told["resend"]["allowed"]) == (2, 0, True)
        assert "a second time" in told["resend"]["warning"]
        assert "never be sent" in told["give_up"]["warning"]

    @pytest.mark.parametrize("body", [{}, {"confirm": False}])
    def test_without_confirmation_nothing_happens(self, api: ApiMaker, campaign: Campaign, body: Any) -> None:
        client = api("launch_campaign")
        for door in ("resend", "give-up"):
            answer = client.post(url(campaign, f"unconfirmed/{door}/"), body, format="json")
            assert (answer.status_code, list(answer.json()["invalid_fields"])) == (400, ["confirm"])
        assert "never be sent" in client.post(url(campaign, "unconfirmed/give-up/")).json()["detail"]
        assert self.of(campaign, Status.UNCONFIRMED) == 2

    def test_sent_again_once(self, api: ApiMaker, campaign: Campaign) -> None:
        client, door = api("launch_campaign"), url(campaign, "unconfirmed/resend/")
        assert client.post(door, {"confirm": True}, format="json").json() == {"messages": 2}
        assert self.of(campaign, Status.QUEUED) == 3
        assert client.post(door, {"confirm": True}, format="json").status_code == 409

    def test_given_up(self, api: ApiMaker, campaign: Campaign) -> None:
        door = url(campaign, "unconfirmed/give-up/")
        assert api("change_campaign").post(door, {"confirm": True}, format="json").status_code == 403
        answer = api("launch_campaign").post(door, {"confirm": True}, format="json")
        assert answer.json() == {"messages": 2}
        assert self.of(campaign, Status.FAILED) == 2


def test_a_csv_is_taken_as_well(api: ApiMaker, draft: Campaign, make_sheet: SheetMaker) -> None:
    file = SimpleUploadedFile("list.csv", b"Country,Mobile\n91,9876543210\n")
    answer = api("import_campaign").post(url(draft, "uploads/"), {"file": file}, format="multipart")
    assert (answer.status_code, Message.objects.count()) == (202, 1)
