"""Counts agree with their rows, folded or not."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.messaging import counters
from django_messagecentral.messaging.models import CampaignCounter, CounterDelta

pytestmark = [pytest.mark.django_db, pytest.mark.db]

steps = st.lists(
    st.one_of(
        st.just("fold"), st.tuples(st.sampled_from(["queued", "sending", "segments"]), st.integers(-5, 5))
    ),
    max_size=30,
)


@given(steps)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_folding_at_any_moment_changes_no_count(todo: list[str | tuple[str, int]]) -> None:
    campaign = Campaign.objects.create(name="c", text="t")
    expected: dict[str, int] = {}
    for step in todo:
        if isinstance(step, str):
            counters.fold_all()
            assert not CounterDelta.objects.exists()
        else:
            deltas = counters.Deltas()
            deltas.add(campaign.pk, *step)
            deltas.write()
            expected[step[0]] = expected.get(step[0], 0) + step[1]
        read = counters.read(campaign.pk)
        assert {name: read.get(name, 0) for name in expected} == expected


def test_many_deltas_become_one_row_a_name() -> None:
    campaign = Campaign.objects.create(name="c", text="t")
    for _ in range(50):
        deltas = counters.Deltas()
        deltas.move(campaign.pk, "queued", "sending")
        deltas.write()
    assert counters.fold_all() == 100
    assert dict(CampaignCounter.objects.values_list("name", "value")) == {"queued": -50, "sending": 50}


def test_messages_without_a_campaign_are_not_counted() -> None:
    deltas = counters.Deltas()
    deltas.move(None, "queued", "sending")
    deltas.write()
    assert not CounterDelta.objects.exists()
