"""Counts of a campaign: append-only deltas, folded from time to time.

A writer adds deltas in the transaction of the rows they count, so a count is never ahead of or behind
its rows, and thousands of callbacks a second never queue on one hot row. A reader adds what is folded
and what is not in one statement; it costs the same for any number of recipients.

Names are the values of :class:`~django_messagecentral.messaging.states.Status`, ``segments`` and
``cost_micros`` (as submitted, in millionths of the currency).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db.models import F

from django_messagecentral.db import Conflict, batched, in_transaction, locked
from django_messagecentral.messaging.models import CampaignCounter, CounterDelta

SEGMENTS = "segments"
COST_MICROS = "cost_micros"

FOLD_ROWS = 5_000  # deltas folded in one transaction


class Deltas:
    """Collects changes and writes them as one row a campaign and name."""

    def __init__(self) -> None:
        self._values: defaultdict[tuple[int, str], int] = defaultdict(int)

    def add(self, campaign_id: int | None, name: str, value: int) -> None:
        if campaign_id is not None:
            self._values[(campaign_id, str(name))] += value

    def move(self, campaign_id: int | None, old: str, new: str, count: int = 1) -> None:
        self.add(campaign_id, old, -count)
        self.add(campaign_id, new, count)

    def write(self) -> None:
        """To be called in the transaction of the rows that were counted."""
        CounterDelta.objects.bulk_create(
            CounterDelta(campaign_id=campaign_id, name=name, value=value)
            for (campaign_id, name), value in self._values.items()
            if value
        )
        self._values.clear()


def read_many(campaign_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Counts by campaign id and name. Missing names are zero."""
    wanted = list(campaign_ids)
    folded = CampaignCounter.objects.filter(campaign__in=wanted).values_list("campaign_id", "name", "value")
    pending = CounterDelta.objects.filter(campaign__in=wanted).values_list("campaign_id", "name", "value")
    counts: dict[int, dict[str, int]] = {pk: defaultdict(int) for pk in wanted}
    # One statement, one snapshot: a fold between two reads would be counted twice or not at all.
    for campaign_id, name, value in folded.union(pending, all=True):
        counts[campaign_id][name] += value
    return counts


def read(campaign_id: int) -> Mapping[str, int]:
    """Counts of one campaign by name."""
    return read_many([campaign_id])[campaign_id]


@in_transaction(CounterDelta)
def fold() -> int:
    """Fold the oldest :data:`FOLD_ROWS` deltas into the counters; the number folded.
    Safe when run twice at once.
    """
    rows = list(
        locked(CounterDelta.objects.order_by("pk"), skip_locked=True).values_list(
            "pk", "campaign_id", "name", "value"
        )[:FOLD_ROWS]
    )
    sums: defaultdict[tuple[int, str], int] = defaultdict(int)
    for _pk, campaign_id, name, value in rows:
        sums[(campaign_id, name)] += value
    for (campaign_id, name), total in sorted(sums.items()):
        counter, _created = CampaignCounter.objects.get_or_create(campaign_id=campaign_id, name=name)
        CampaignCounter.objects.filter(pk=counter.pk).update(value=F("value") + total)
    # By id, not by range: rows committed late may lie between those that were read.
    deleted = sum(
        CounterDelta.objects.filter(pk__in=[row[0] for row in chunk]).delete()[0]
        for chunk in batched(rows, 500)
    )
    if deleted != len(rows):
        raise Conflict("deltas were folded by somebody else meanwhile")
    return deleted


def fold_all() -> int:
    """Fold what is there; the number folded. What others write meanwhile waits for the next time: while a
    campaign sends there is always something new.
    """
    total, folded = 0, FOLD_ROWS
    while folded >= FOLD_ROWS:
        folded = fold()
        total += folded
    return total
