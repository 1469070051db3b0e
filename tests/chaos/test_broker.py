"""The broker loses its messages, or itself, in the middle of a campaign: the database is the queue."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db.models import F

from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging.states import Status
from tests.celery_app import app as celery_app
from tests.house import House
from tests.own_broker import OwnBroker
from tests.workers import flush_broker

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.broker,
    pytest.mark.chaos_short,
    pytest.mark.timeout(300),
]


def test_a_broker_that_loses_everything_stops_nothing(house: House) -> None:
    campaign = house.uploaded(200)
    assert celery_app.control.purge() > 0  # the import's task
    house.start_worker()
    CampaignUpload.objects.update(created_at=F("created_at") - timedelta(minutes=1))
    ready = Campaign.objects.filter(pk=campaign.pk, status=CampaignStatus.READY)
    house.swept_until(ready.exists)
    service.launch(campaign)
    lost = celery_app.control.purge()
    for _ in range(40):
        time.sleep(0.05)
        lost += celery_app.control.purge()
    assert lost > 0
    house.swept_until(house.is_over(campaign))
    assert house.judge(campaign)[Status.DELIVERED] == 200


@pytest.mark.server_database  # one broker a stage is enough
def test_a_broker_flushed_in_mid_campaign_stops_nothing(house: House) -> None:
    """FLUSHDB, or a deleted queue: the queue goes, with what waits there and what workers hold."""
    house.tune(PACE_PER_SECOND=60.0)  # slow enough to need many tasks
    campaign = house.launched(300)
    house.start_worker()
    house.start_worker()
    for goal in (60, 140, 220):
        house.swept_until(lambda goal=goal: house.sent(campaign) >= goal)  # type: ignore[misc]
        flush_broker(house.options)
    house.swept_until(house.is_over(campaign))
    assert house.judge(campaign)[Status.DELIVERED] == 300


@pytest.mark.server_database
@pytest.mark.own_broker
def test_a_broker_that_crashes_and_restarts_in_mid_campaign(own_broker: OwnBroker, house: House) -> None:
    house.tune(PACE_PER_SECOND=60.0)
    campaign = house.launched(300)
    workers = [house.start_worker(), house.start_worker()]
    house.swept_until(lambda: house.sent(campaign) >= 60)
    own_broker.crash()
    time.sleep(1.0)
    own_broker.start()
    is_over = house.is_over(campaign)

    def supervised() -> bool:
        """Celery may give up, where it acknowledges a task just then: who runs it starts it again."""
        for worker in list(workers):
            if worker.process.poll() is not None:
                with suppress(ProcessLookupError):
                    worker.signal(signal.SIGKILL)  # what is left of its children
                workers.remove(worker)
                house.outlive_leases()
                workers.append(house.start_worker())
        return is_over()

    house.swept_until(supervised)
    counts = house.judge(campaign)
    assert counts[Status.DELIVERED] + counts[Status.UNCONFIRMED] == 300
    if len(house.workers) == 2:  # nobody died: then everything is known
        assert counts[Status.DELIVERED] == 300
