"""What was submitted and what it cost: by day, campaign, purpose, channel, type and country.

Rows are appended in the transaction of the messages they count (:class:`Spend`) and merged by the upkeep
task, so a sum over a month reads few rows however many messages there were.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth
from django.utils import timezone

from django_messagecentral.db import Conflict, in_transaction, locked
from django_messagecentral.messaging.models import Message, Spend
from django_messagecentral.messaging.rows import HeldRow, Row

Key = tuple[str, str, str]  # channel, message type, country

KEY_FIELDS = ("day", "campaign_id", "purpose", "channel", "message_type", "country")
GROUPINGS = (*KEY_FIELDS, "month")
SUMS = ("messages", "segments", "cost_micros")
MERGE_GROUPS = 500


class Charges:
    """Collects what messages are charged and writes one row a group."""

    def __init__(self) -> None:
        self._sums: defaultdict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])

    def add(self, row: Message | Row | HeldRow, *, messages: int, segments: int, cost_micros: int) -> None:
        """``row`` is charged so much more than before."""
        if not (messages or segments or cost_micros):
            return
        day = timezone.now().date()
        key = (day, row.campaign_id, row.purpose, row.channel, row.message_type, row.region)
        for position, value in enumerate((messages, segments, cost_micros)):
            self._sums[key][position] += value

    def write(self) -> None:
        """To be called in the transaction of the rows that were charged."""
        _insert(self._sums)
        self._sums.clear()


def record(
    *, channel: str, message_type: str, country: str, segments: int, cost_micros: int, purpose: str = ""
) -> None:
    """Count a charge for what is no :class:`Message`: a code of the vendor's own, a call made by hand."""
    key = (timezone.now().date(), None, purpose[:40], channel, message_type, country)
    _insert({key: [1, segments, cost_micros]})


def _insert(sums: Mapping[tuple[Any, ...], Iterable[int]]) -> None:
    Spend.objects.bulk_create(
        Spend(**dict(zip(KEY_FIELDS, key, strict=True)), **dict(zip(SUMS, values, strict=True)))
        for key, values in sums.items()
    )


def merge(days: int = 3) -> int:
    """Make one row of those that are alike, of the last ``days`` days; how many rows fewer."""
    since = timezone.now().date() - timedelta(days=days)
    alike = (
        Spend.objects.filter(day__gte=since)
        .values(*KEY_FIELDS)
        .annotate(n=Count("pk"))
        .filter(n__gt=1)
        .order_by()[:MERGE_GROUPS]
    )
    return sum(_merge_group({name: group[name] for name in KEY_FIELDS}) for group in list(alike))


@in_transaction(Spend)
def _merge_group(key: dict[str, Any]) -> int:
    same = {
        f"{name}__isnull" if value is None else name: value is None or value for name, value in key.items()
    }
    rows = list(locked(Spend.objects.filter(**same).order_by("pk"), skip_locked=True))
    if len(rows) < 2:
        return 0
    totals = [sum(getattr(row, name) for row in rows) for name in SUMS]
    deleted, _by_model = Spend.objects.filter(pk__in=[row.pk for row in rows]).delete()
    if deleted != len(rows):
        raise Conflict("these rows were merged by somebody else meanwhile")
    _insert({tuple(key[name] for name in KEY_FIELDS): totals})
    return deleted - 1


def segments_of_month(day: date) -> dict[Key, int]:
    """Segments submitted in the month of ``day``, up to now, by channel, type and country."""
    rows = (
        Spend.objects.filter(day__gte=day.replace(day=1), day__lt=next_month(day))
        .order_by()
        .values_list("channel", "message_type", "country")
        .annotate(total=Sum("segments"))
    )
    return {(channel, kind, country): total for channel, kind, country, total in rows}


def next_month(day: date) -> date:
    """The first day of the month after ``day``'s."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def totals_by(
    *names: str, since: date | None = None, until: date | None = None, most: int | None = None, **where: Any
) -> list[dict[str, Any]]:
    """Sums grouped by ``names`` (of :data:`GROUPINGS`; a month is its first day) from ``since`` up to and not
    including ``until``, as dicts with the names and ``messages``, ``segments``, ``cost_micros``; the first
    ``most`` groups, or all.
    """
    rows = Spend.objects.filter(**where)
    if since:
        rows = rows.filter(day__gte=since)
    if until:
        rows = rows.filter(day__lt=until)
    sums = {f"sum_{name}": Sum(name) for name in SUMS}  # a column's own name would hide the column
    if "month" in names:
        rows = rows.annotate(month=TruncMonth("day"))
    groups = rows.values(*names).annotate(**sums).order_by(*names)[:most]
    return [
        {name: group[name] for name in names} | {name: group[f"sum_{name}"] or 0 for name in SUMS}
        for group in groups
    ]
