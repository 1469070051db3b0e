"""The main job with real processes: a spreadsheet, a broker, a worker, a webhook."""

from __future__ import annotations

import pytest

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging.states import Status
from tests.house import House

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.broker, pytest.mark.timeout(180)]


def test_a_spreadsheet_goes_in_messages_go_out_and_delivery_comes_back(house: House) -> None:
    house.start_worker()
    campaign = house.uploaded(150)
    ready = Campaign.objects.filter(pk=campaign.pk, status=CampaignStatus.READY)
    house.swept_until(ready.exists, 30)
    service.launch(campaign)
    house.swept_until(house.is_over(campaign))
    assert house.judge(campaign)[Status.DELIVERED] == 150
    assert not Callback.objects.exclude(state__in=(Callback.State.APPLIED, Callback.State.NO_CHANGE)).exists()
