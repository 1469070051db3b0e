"""A recount from scratch finds a wrong counter, and mends it when asked."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging import counters, recount
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import Write, move, write

pytestmark = [pytest.mark.django_db, pytest.mark.db]


@pytest.fixture
def campaign() -> Campaign:
    campaign = Campaign.objects.create(name="c", text="t")
    Message.objects.bulk_create(
        Message(campaign=campaign, phone=f"+9198765{n:05d}", status=Status.SENDING, segments=2)
        for n in range(9)
    )
    recount.mend(recount.differences(campaign.pk))
    rows = list(Message.objects.filter(campaign=campaign))
    fields = {"cost": Decimal("0.123456"), "segments": 3}
    write(rows[:4], {row.pk: Write(Status.SUBMITTED, fields) for row in rows[:4]}, Cause.OWNER)
    write(rows[4:6], {row.pk: Write(Status.UNCONFIRMED, fields) for row in rows[4:6]}, Cause.OWNER)
    move(Message.objects.filter(pk=rows[8].pk), Status.SENDING, Status.QUEUED, Cause.OWNER)
    return campaign


def test_the_counters_agree_with_the_rows(campaign: Campaign) -> None:
    assert recount.differences(campaign.pk) == []
    counters.fold_all()
    assert recount.differences(campaign.pk) == []
    assert recount.count_rows(campaign.pk) == {
        "submitted": 4,
        "unconfirmed": 2,
        "sending": 2,
        "queued": 1,
        "segments": 12,
        "cost_micros": 493_824,
    }


def spoil(campaign: Campaign) -> None:
    Message.objects.filter(campaign=campaign, status=Status.QUEUED).update(status=Status.CANCELLED)


def test_the_command_tells_and_mends(campaign: Campaign) -> None:
    spoil(campaign)
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("messagecentral_recount", stdout=out)
    assert f"{campaign.public_id} cancelled: counted 0, actual 1" in out.getvalue()
    assert f"{campaign.public_id} queued: counted 1, actual 0" in out.getvalue()
    call_command("messagecentral_recount", str(campaign.public_id), mend=True, stdout=io.StringIO())
    call_command("messagecentral_recount", stdout=out)
    assert "1 campaigns counted, 0 counters wrong" in out.getvalue()


def test_a_campaign_that_is_being_sent_is_told_of_and_left(campaign: Campaign) -> None:
    Campaign.objects.update(status=CampaignStatus.SENDING)
    spoil(campaign)
    with pytest.raises(CommandError):
        call_command("messagecentral_recount", mend=True, stdout=io.StringIO())
    assert recount.differences(campaign.pk)
