"""A machine's clock jumps in the middle of a campaign. The database's clock and the monotonic ones go on."""

from __future__ import annotations

import pytest

from django_messagecentral.messaging.states import Status
from tests import worker_hooks
from tests.house import House

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.broker,
    pytest.mark.chaos_short,
    pytest.mark.timeout(300),
]
HOUR = 3600.0


@pytest.mark.server_database
def test_clocks_that_jump_repeat_nobody_and_pause_nothing(house: House) -> None:
    """Forward two hours, back three, and right again, on the workers' machine."""
    house.tune(PACE_PER_SECOND=80.0)
    # Reports come after the answers are stored: one that must be tried again is tried by the wrong clock.
    house.sandbox.configure(callback_delay=2.0)
    worker_hooks.set_clock(house.home, 0.0)
    campaign = house.launched(400)
    house.start_worker()
    house.start_worker()
    for goal, wrong in ((60, 2 * HOUR), (140, -3 * HOUR), (220, 0.0)):
        house.swept_until(lambda goal=goal: house.sent(campaign) >= goal)  # type: ignore[misc]
        worker_hooks.set_clock(house.home, wrong)
    house.swept_until(house.is_over(campaign))
    counts = house.judge(campaign)
    assert counts[Status.DELIVERED] == 400
