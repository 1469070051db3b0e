"""The one table of allowed changes, and what wins among delivery reports."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_messagecentral.messaging.states import (
    DELIVERY,
    TRANSITIONS,
    Cause,
    IllegalTransition,
    Status,
    is_allowed,
    outranks,
    require,
)

reports = st.tuples(
    st.sampled_from(DELIVERY),
    st.none() | st.integers(0, 5).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=s)),
)


def test_nothing_leaves_delivered() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] == Status.DELIVERED]


def test_an_unconfirmed_message_is_sent_again_by_a_persons_decision_only() -> None:
    assert TRANSITIONS[(Status.UNCONFIRMED, Status.QUEUED)] == {Cause.OPERATOR}


def test_only_its_owner_puts_a_message_that_is_being_sent_back_into_the_queue() -> None:
    assert TRANSITIONS[(Status.SENDING, Status.QUEUED)] == {Cause.OWNER}
    assert not is_allowed(Status.SENDING, Status.QUEUED, Cause.SWEEP)


def test_a_change_outside_the_table_is_an_error() -> None:
    with pytest.raises(IllegalTransition, match="delivered -> queued"):
        require(Status.DELIVERED, Status.QUEUED, Cause.OPERATOR)


@given(st.lists(reports, min_size=1, max_size=4))
def test_any_order_of_the_same_reports_ends_in_the_same_state(
    arrived: list[tuple[Status, datetime | None]],
) -> None:
    ends = set()
    for order in permutations(arrived):
        status, done = order[0]
        for new, new_done in order[1:]:
            if outranks(new, new_done, status, done):
                status, done = new, new_done
        ends.add((status, done))
    assert len(ends) == 1
    if any(status == Status.DELIVERED for status, _done in arrived):
        assert ends.pop()[0] == Status.DELIVERED
