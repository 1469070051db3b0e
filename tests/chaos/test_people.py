"""Two people press at once, in processes of their own."""

from __future__ import annotations

import pytest

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from tests.house import House

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server_database,
    pytest.mark.broker,
    pytest.mark.chaos_short,
    pytest.mark.timeout(300),
]


def test_people_who_press_launch_at_once_start_one_run(house: House) -> None:
    people = [house.start_person() for _ in range(3)]
    house.start_worker()
    campaigns = [house.ready(40, first=100 * number) for number in range(4)]
    for campaign in campaigns:
        for person in people:
            person.press("launch", campaign.pk)
        answers = sorted(person.answer() for person in people)
        assert answers.count("done") == 1
        assert sum("cannot become sending" in answer for answer in answers) == 2
    for campaign in campaigns:
        house.swept_until(house.is_over(campaign))
        assert house.judge(campaign)[Status.DELIVERED] == 40


def test_launch_and_cancel_at_once_end_cancelled_with_nobody_in_between(house: House) -> None:
    house.tune(PACE_PER_SECOND=50.0)
    launcher, canceller = house.start_person(), house.start_person()
    house.start_worker()
    for number in range(4):
        campaign = house.ready(60, first=100 * number)
        people = [launcher, canceller] if number % 2 else [canceller, launcher]
        for person in people:
            person.press("launch" if person is launcher else "cancel", campaign.pk)
        launched, cancelled = launcher.answer(), canceller.answer()
        assert cancelled == "done"
        assert launched == "done" or "cannot become sending" in launched
        waiting = Message.objects.of_campaign(campaign).filter(
            status__in=(Status.DRAFT, Status.QUEUED, Status.SENDING, Status.SUBMITTED)
        )
        house.swept_until(lambda waiting=waiting: not waiting.exists() and house.reports_are_in())  # type: ignore[misc]
        assert Campaign.objects.get(pk=campaign.pk).status == CampaignStatus.CANCELLED
        counts = house.judge(campaign)
        assert counts[Status.CANCELLED] + counts[Status.DELIVERED] == 60
