"""An operator in the admin: from a spreadsheet to a running campaign,
and no further than their permissions.
"""

from __future__ import annotations

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging.models import Message, Rate
from django_messagecentral.sandbox import SandboxServer
from django_messagecentral.templatetags.messagecentral_numbers import money
from tests.campaigns.conftest import CampaignMaker, mobile
from tests.conftest import SheetMaker

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "Hello ##var##, your balance is ##var2##."


def url(name: str, *args: Any) -> str:
    return reverse(f"admin:messagecentral_campaign_{name}", args=args)


def form(**fields: Any) -> dict[str, Any]:
    return {
        "name": "Balances",
        "text": TEXT,
        "channel": "SMS",
        "message_type": "TRANSACTION",
        "sender_id": "UTOMOB",
        "template_id": "",
        "entity_id": "",
        "pace": "",
        "ends_at_0": "",
        "ends_at_1": "",
        **fields,
    }


def upload(client: Client, path: Path, **fields: Any) -> Any:
    with open(path, "rb") as file:
        return client.post(url("add"), form(file=file, **fields), follow=True)


def operator(*permissions: str) -> Client:
    user = User.objects.create_user("operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_upload_review_launch_and_watch(
    admin_client: Client, make_sheet: SheetMaker, on_sandbox: SandboxServer
) -> None:
    Rate.objects.create(price="0.5")
    rows = [[91, mobile(n), f"N{n}", n + 1, "x"] for n in range(3)] + [[91, "123", "Bad", 1, "x"]]
    page = upload(admin_client, make_sheet(rows))
    campaign = Campaign.objects.get()
    assert page.redirect_chain[-1][0] == url("change", campaign.pk)
    page = text_of(admin_client.get(url("change", campaign.pk)))
    assert "This number has too few digits" in page
    launch = text_of(admin_client.get(url("launch", campaign.pk)))
    assert "Hello N0, your balance is 1." in launch
    assert "1.50 USD" in launch
    assert "being sent" in text_of(admin_client.post(url("launch", campaign.pk), follow=True))
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.COMPLETED
    assert len(on_sandbox.messages()) == 3
    progress = admin_client.get(url("progress", campaign.pk)).json()
    assert progress["report"]["counts"]["submitted"] == 3
    assert progress["report"]["cost"] == "1.5"
    assert "completed" in text_of(admin_client.get(url("changelist")))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"text": "Hi ##var8##"}, "the sheet has no such column"),
        ({"template_id": "1707"}, "give both or neither"),
        ({"pace": "0"}, "more than 0 messages a second"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_a_mistake_is_named_at_its_field_and_nothing_is_stored(
    admin_client: Client, make_sheet: SheetMaker, change: dict[str, str], complaint: str
) -> None:
    page = upload(admin_client, make_sheet([[91, mobile(1), "A", 1, "x"]]), **change)
    assert complaint in text_of(page)
    assert not Campaign.objects.exists()


def test_a_file_that_is_no_workbook_is_refused_at_its_field(admin_client: Client, tmp_path: Path) -> None:
    path = tmp_path / "list.xlsx"
    path.write_bytes(b"Mobile\n9876543210\n")
    page = upload(admin_client, path)
    assert "This is no Excel workbook" in text_of(page)
    assert not Campaign.objects.exists()


def test_a_text_is_mended_after_the_import_and_its_segments_are_counted_again(
    admin_client: Client, make_campaign: CampaignMaker
) -> None:
    campaign = make_campaign(4)
    answer = admin_client.post(url("change", campaign.pk), form(text="x" * 200), follow=True)
    assert answer.status_code == 200
    assert set(Message.objects.values_list("segments", flat=True)) == {2}
    assert campaign.uploads.get().regions == {"IN": [4, 8]}
    page = admin_client.post(url("change", campaign.pk), form(text="Hi ##salary##"))
    assert "no such column" in text_of(page)


def test_pause_resume_and_cancel_by_their_buttons(
    admin_client: Client, make_campaign: CampaignMaker, settings: Any
) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "SENDING_ENABLED": False}
    campaign = make_campaign(3)
    admin_client.post(url("launch", campaign.pk))
    for button, status in (
        ("pause", CampaignStatus.PAUSED),
        ("resume", CampaignStatus.SENDING),
        ("cancel", CampaignStatus.CANCELLED),
    ):
        admin_client.post(url(button, campaign.pk))
        campaign.refresh_from_db()
        assert campaign.status == status
    assert "cannot become" in text_of(admin_client.post(url("resume", campaign.pk), follow=True))
    assert set(Message.objects.values_list("status", flat=True)) == {"cancelled"}


@pytest.mark.parametrize("button", ["pause", "resume"])
def test_following_a_link_changes_nothing(
    admin_client: Client, make_campaign: CampaignMaker, button: str
) -> None:
    campaign = make_campaign(1)
    assert admin_client.get(url(button, campaign.pk)).status_code == 405


def test_a_launch_in_the_past_is_refused(admin_client: Client, make_campaign: CampaignMaker) -> None:
    campaign = make_campaign(1)
    page = admin_client.post(url("launch", campaign.pk), {"at_0": "2020-01-01", "at_1": "10:00"})
    assert "has passed" in text_of(page)


class TestPermissions:
    def test_who_may_only_look_sees_masked_numbers_and_no_buttons(self, make_campaign: CampaignMaker) -> None:
        campaign = make_campaign(rows=[[91, mobile(1), "A", 1, "x"], [91, "98989", "Bad", 1, "x"]])
        client = operator("view_campaign", "view_message", "view_rejectedrow")
        page = text_of(client.get(url("change", campaign.pk)))
        assert "Launch" not in page
        assert "98989" not in page
        listed = text_of(client.get(reverse("admin:messagecentral_message_changelist")))
        assert "+91••••••0001" in listed
        assert mobile(1) not in listed
        row = Message.objects.get()
        assert mobile(1) not in text_of(
            client.get(reverse("admin:messagecentral_message_change", args=[row.pk]))
        )

    def test_searching_by_number_needs_the_permission_to_see_it(self, make_campaign: CampaignMaker) -> None:
        make_campaign(1)
        client = operator("view_message")
        page = text_of(client.get(reverse("admin:messagecentral_message_changelist"), {"q": mobile(0)}))
        assert "0 messages" in page

    @pytest.mark.parametrize("action", ["launch", "pause", "resume", "cancel"])
    def test_launching_needs_its_own_permission(self, make_campaign: CampaignMaker, action: str) -> None:
        campaign = make_campaign(1)
        client = operator("view_campaign", "change_campaign")
        assert client.post(url(action, campaign.pk)).status_code == 403
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.READY

    def test_uploading_needs_its_own_permission(self, make_sheet: SheetMaker) -> None:
        client = operator("add_campaign", "view_campaign")
        upload(client, make_sheet([[91, mobile(1), "A", 1, "x"]]))
        assert not Campaign.objects.filter(uploads__isnull=False).exists()

    def test_downloading_needs_export_and_full_numbers(self, make_campaign: CampaignMaker) -> None:
        campaign = make_campaign(rows=[[91, "123", "Bad", 1, "x"]])
        assert (
            operator("view_campaign", "export_campaign").get(url("rejected", campaign.pk)).status_code == 403
        )


def test_rejected_rows_are_downloaded_mended_and_uploaded_again(
    admin_client: Client, make_campaign: CampaignMaker, tmp_path: Path
) -> None:
    campaign = make_campaign(
        rows=[
            [91, mobile(1), "Good", 1, "x"],
            [91, "123", "=HYPERLINK(1)", 1, "x"],
            [91, mobile(1), "Again", 1, "x"],
            [91, None, "+1", 5, "x"],
        ]
    )
    answer = admin_client.get(url("rejected", campaign.pk))
    sheet = load_workbook(io.BytesIO(answer.content)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0][:5] == ["Country", "Mobile", "var1", "var2", "var3"]
    assert [row[5] for row in rows[1:]] == [3, 5]
    assert rows[2][2] == "'+1"  # never a formula
    sheet["B3"] = mobile(9)
    sheet.delete_rows(2)
    sheet.parent.save(tmp_path / "mended.xlsx")
    service.add_upload(campaign, tmp_path / "mended.xlsx")
    assert set(Message.objects.values_list("phone", flat=True)) == {"+91" + mobile(1), "+91" + mobile(9)}


def test_a_campaign_that_has_sent_is_a_record(admin_client: Client, make_campaign: CampaignMaker) -> None:
    campaign = make_campaign(1)
    Campaign.objects.update(status=CampaignStatus.COMPLETED)
    assert (
        admin_client.post(reverse("admin:messagecentral_campaign_delete", args=[campaign.pk])).status_code
        == 403
    )


def test_every_registered_page_opens(admin_client: Client, make_campaign: CampaignMaker) -> None:
    from django.contrib import admin

    make_campaign(rows=[[91, mobile(1), "A", 1, "x"], [91, "123", "Bad", 1, "x"]])
    for model in admin.site._registry:
        if model._meta.app_label == "messagecentral":
            page = admin_client.get(reverse(f"admin:messagecentral_{model._meta.model_name}_changelist"))
            assert page.status_code == 200, model


def test_of_many_rows_that_were_not_used_the_page_names_the_causes(
    admin_client: Client, make_campaign: CampaignMaker
) -> None:
    short = [[91, "123", "Bad", 1, "x"] for _ in range(30)]
    twice = [[91, mobile(1), "A", 1, "x"] for _ in range(11)]
    page = text_of(admin_client.get(url("change", make_campaign(rows=[*twice, *short]).pk)))
    assert "<strong>30</strong> like row 13: This number has too few digits." in page
    assert "<strong>10</strong> like row 3: The same phone as in row 2" in page
    few = text_of(admin_client.get(url("change", make_campaign(rows=short[:3]).pk)))
    assert "like row" not in few


@pytest.mark.parametrize(
    ("value", "shown"), [("2.0874", "2.09"), ("0.12345", "0.1235"), ("1234.5", "1,234.50")]
)
def test_money_is_rounded_and_not_cut_off(value: str, shown: str) -> None:
    assert money(Decimal(value)) == shown
