"""One pace for the vendor's account, however many machines send."""

from __future__ import annotations

import pytest

from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.report import report
from django_messagecentral.messaging.models import Attempt
from django_messagecentral.messaging.states import Status
from tests.house import House

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server_database,
    pytest.mark.broker,
    pytest.mark.chaos_short,
    pytest.mark.timeout(300),
]
PACE = 100.0
SECONDS = 30.0  # of the window that is measured: its ends cut through batches of less than half a second
WARM = 4.0  # before it: a second's worth leaves at once after a rest


def test_workers_of_two_machines_together_keep_the_pace_within_two_percent(house: House) -> None:
    house.tune(PACE_PER_SECOND=PACE, DISPATCH_PULLERS=4)
    house.sandbox.configure(callback_url=None, latency=0.02)
    recipients = int(PACE * (SECONDS + WARM + 3))
    campaign = house.ready(recipients)
    for host in ("first", "second"):
        house.start_worker(host=host)
    service.launch(campaign)
    house.swept_until(lambda: house.sent(campaign) == recipients)
    times = sorted(message.received_at for message in house.sandbox.state.messages.values())
    begins = times[0] + WARM
    within = [at for at in times if begins <= at < begins + SECONDS]
    assert len(within) == pytest.approx(PACE * SECONDS, rel=0.02)
    assert set(house.received().values()) == {1}
    assert report(campaign).counts[Status.SUBMITTED] == recipients
    by_worker = Attempt.objects.values_list("worker", flat=True)
    assert len(set(by_worker)) == 4  # processes; both of each machine
