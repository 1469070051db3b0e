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


def test_folding_ends_while_others_go_on_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = Campaign.objects.create(name="c", text="t")
    real_fold, rounds = counters.fold, 0

    def write_one() -> None:
        deltas = counters.Deltas()
        deltas.add(campaign.pk, "sending", 1)
        deltas.write()

    def fold_beside_a_writer() -> int:
        nonlocal rounds
        rounds += 1
        assert rounds < 10, "it runs after the writer for ever"
        folded = real_fold()
        write_one()
        return folded

    monkeypatch.setattr(counters, "FOLD_ROWS", 2)
    monkeypatch.setattr(counters, "fold", fold_beside_a_writer)
    for _ in range(5):
        write_one()
    assert counters.fold_all() >= 5
    assert counters.read(campaign.pk)["sending"] == 5 + rounds
