"""Recipients from the site's own code and from a keyboard become messages like those of a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth import get_user_model
from phonenumber_field.phonenumber import PhoneNumber

from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.imports import run_import
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging.models import Message
from tests.campaigns.conftest import mobile

pytestmark = [pytest.mark.django_db, pytest.mark.db]


def imported(campaign: Campaign, upload: CampaignUpload) -> list[tuple[str, list[str]]]:
    run_import(upload.pk)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.READY, campaign.status_reason
    return list(
        Message.objects.filter(upload=upload).order_by("row_number").values_list("phone", "variables")
    )


def test_phones_in_any_form() -> None:
    campaign = service.create_campaign("Test", "Hello!")
    phones = ["+91" + mobile(1), 919800000002, PhoneNumber.from_string("+91" + mobile(3)), " 98000 00004 "]
    rows = imported(campaign, service.add_recipients(campaign, phones))
    assert [phone for phone, _ in rows] == ["+91" + mobile(n) for n in range(1, 5)]


def test_mappings_with_values_of_any_type() -> None:
    campaign = service.create_campaign("Test", "Hello ##name##, ##amount## on ##day##")
    people = [
        {
            "mobile": "+91" + mobile(1),
            "name": 'Asha "A", x',
            "amount": Decimal("12.50"),
            "day": date(2026, 1, 2),
        },
        {"mobile": "+91" + mobile(2), "name": "Zoë\nB", "amount": 7, "day": None},
    ]
    upload = service.add_recipients(campaign, people)
    assert imported(campaign, upload) == [("+91" + mobile(1), ['Asha "A", x', "12.5", "2026-01-02"])]
    rejected = RejectedRow.objects.get(upload=upload)
    assert (rejected.row_number, rejected.code) == (3, "empty_variable")


def test_sequences_and_a_country_for_all() -> None:
    campaign = service.create_campaign("Test", "Hello ##var1##")
    upload = service.add_recipients(campaign, [("020 7946 0018", "Tom")], country="GB")
    assert imported(campaign, upload) == [("+442079460018", ["Tom"])]


def test_a_queryset_is_read_in_pieces_and_only_the_fields_named(
    django_assert_max_num_queries: object,
) -> None:
    for n in range(3):
        get_user_model().objects.create(username="+91" + mobile(n), first_name=f"N{n}")
    users = get_user_model().objects.order_by("pk")
    campaign = service.create_campaign("Test", "Hello ##name##")
    upload = service.add_recipients(campaign, users, columns={"Mobile": "username", "name": "first_name"})
    assert imported(campaign, upload) == [("+91" + mobile(n), [f"N{n}"]) for n in range(3)]
    more = service.add_recipients(
        campaign, users.values("username", "first_name"), columns={"Mobile": "username", "name": "first_name"}
    )
    assert imported(campaign, more) == []
    assert campaign.uploads.get(pk=more.pk).duplicates == 3
    with pytest.raises(service.CampaignError, match="which fields"):
        service.add_recipients(campaign, users)


def test_a_generator_is_read_once_and_never_held() -> None:
    def phones() -> Iterator[str]:
        for n in range(5_000):
            yield "+91" + mobile(n)

    campaign = service.create_campaign("Test", "Hello!")
    assert len(imported(campaign, service.add_recipients(campaign, phones()))) == 5_000


def test_typed_numbers() -> None:
    campaign = service.create_campaign("Test", "Hello!")
    upload = service.add_numbers(campaign, f"{mobile(1)}\n 98000 00002; +91{mobile(3)},\n\n 12 \n{mobile(1)}")
    assert [phone for phone, _ in imported(campaign, upload)] == ["+91" + mobile(n) for n in (1, 2, 3)]
    upload.refresh_from_db()
    assert (upload.rejected, upload.duplicates, upload.original_name) == (1, 1, "typed numbers.csv")


def test_lists_that_cannot_be_used_leave_nothing_half_made() -> None:
    campaign = service.create_campaign("Test", "Hello ##name##")
    with pytest.raises(service.CampaignError, match="empty"):
        service.add_recipients(campaign, [])
    with pytest.raises(service.CampaignError, match="empty"):
        service.add_numbers(campaign, " \n;")
    with pytest.raises(UnusableSheet, match="##name##"):
        service.add_recipients(campaign, ["+91" + mobile(1)])
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.DRAFT
    assert not CampaignUpload.objects.exists()
