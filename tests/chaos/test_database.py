"""The database goes away in the middle of a campaign, deadlocks, or comes back as it was an hour ago."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F, Q

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.dispatch import FLUSH_SECONDS
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.report import report
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.db import is_conflict
from django_messagecentral.messaging import recount
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from tests.chaos.conftest import database_restored
from tests.house import House
from tests.own_servers import OwnServer, dump

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server_database,
    pytest.mark.broker,
    pytest.mark.chaos_short,
    pytest.mark.timeout(300),
]


@pytest.mark.own_server
def test_a_database_that_crashes_and_restarts_in_mid_campaign(own_server: OwnServer, house: House) -> None:
    house.sandbox.configure(callback_retries=10)
    campaign = house.launched(300)
    workers = [house.start_worker(), house.start_worker()]
    for goal, end in ((60, own_server.crash), (150, own_server.stop)):
        house.swept_until(lambda goal=goal: house.sent(campaign) >= goal)  # type: ignore[misc]
        end()
        time.sleep(2.0)
        own_server.start()
        house.forget_connections()
    house.swept_until(house.is_over(campaign))
    assert [worker.process.poll() for worker in workers] == [None, None]
    counts = house.judge(campaign)
    assert counts[Status.DELIVERED] + counts[Status.UNCONFIRMED] == 300


def test_deadlocks_in_mid_campaign_cost_a_second_try_and_nothing_else(house: House) -> None:
    """A stranger's report locks rows from the last to the first, the workers from the first to the last."""
    house.sandbox.configure(callback_url=None)
    campaign = house.launched(300)
    house.start_worker()
    over, broken = threading.Event(), list[bool]()

    def conflicts() -> int:
        return len(broken) + sum(worker.says("conflict in ") for worker in house.workers)

    def lock_backwards() -> None:
        in_flight = Message.objects.filter(status=Status.SENDING)
        while not conflicts() and not over.wait(0.05):
            ids = list(in_flight.order_by("-pk").values_list("pk", flat=True)[:20])
            try:
                with transaction.atomic():
                    for place, pk in enumerate(ids):
                        Message.objects.select_for_update().get(pk=pk)
                        if not place:  # by then the worker has locked the others, and waits for this one
                            time.sleep(FLUSH_SECONDS + 0.5)
            except OperationalError as error:
                broken.append(is_conflict(error))
        connection.close()

    stranger = threading.Thread(target=lock_backwards)
    stranger.start()
    try:
        house.swept_until(lambda: house.sent(campaign) == 300)
    finally:
        over.set()
        stranger.join()
    assert all(broken)
    assert conflicts() > 0
    assert set(house.received().values()) == {1}
    assert len(house.received()) == 300
    assert report(campaign).counts[Status.SUBMITTED] == 300
    assert recount.differences(campaign.pk) == []


@pytest.mark.own_server
def test_a_restored_snapshot_waits_for_a_person(house: House) -> None:
    campaign = house.launched(200)
    worker = house.start_worker()
    house.swept_until(lambda: house.sent(campaign) >= 60)
    snapshot = dump(connection.settings_dict)
    house.swept_until(lambda: house.sent(campaign) >= 120)
    worker.kill()
    before = house.received()
    with database_restored(snapshot):
        two_hours = timedelta(hours=2)
        Campaign.objects.update(heartbeat_at=F("heartbeat_at") - two_hours)
        Message.objects.update(lease_until=F("lease_until") - two_hours)
        house.free_seats()
        known = set(Message.objects.exclude(status=Status.QUEUED).values_list("phone", flat=True))
        house.start_worker()  # it finds the broker's old tasks
        time.sleep(3.0)
        assert house.received() == before
        house.swept_until(lambda: Campaign.objects.filter(status=CampaignStatus.PAUSED).exists())
        time.sleep(1.0)
        campaign.refresh_from_db()
        assert "over an hour" in campaign.status_reason
        assert house.received() == before
        assert recount.differences(campaign.pk) == []
        # The person knows what the snapshot does not: who got their text after it.
        service.resume(campaign)
        over = Campaign.objects.filter(status=CampaignStatus.COMPLETED)
        unmatched = Q(state=Callback.State.UNMATCHED)  # about texts that the snapshot does not know
        house.swept_until(lambda: over.exists() and house.reports_are_in(but=unmatched))
        received = house.received()
        twice = {phone for phone, count in received.items() if count > 1}
        assert twice <= set(before) - known
        assert max(received.values()) <= 2
        lost = set(Message.objects.values_list("phone", flat=True)) - set(received)
        unconfirmed = Message.objects.filter(status=Status.UNCONFIRMED).values_list("phone", flat=True)
        assert lost <= set(unconfirmed)
        assert recount.differences(campaign.pk) == []
        house.kill_all()
