"""The numbers of a campaign: what a page, a command, an API or a person wants to know.
Costs the same at any size.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils import timezone

from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.conf import app_settings
from django_messagecentral.messaging import counters
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.states import DELIVERY, UNSETTLED, WAITING, Status


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """Counts are messages. ``cost`` is what the messages were charged as submitted, in ``currency``; those
    without a rate count as nothing. ``estimated_cost`` is None where a country has no rate. ``seconds`` are
    wall time.
    """

    counts: dict[str, int]
    rows: int
    rejected: int
    duplicates: int
    segments: int
    cost: Decimal
    estimated_segments: int
    estimated_cost: Decimal | None
    currency: str
    seconds: float | None

    @property
    def recipients(self) -> int:
        return sum(self.counts.values())

    @property
    def waiting(self) -> int:
        return sum(self.counts[status] for status in WAITING)

    @property
    def submitted(self) -> int:
        """Taken by the vendor, whatever became of them since."""
        return self.counts[Status.SUBMITTED] + self.settled

    @property
    def settled(self) -> int:
        """Known to be delivered or not."""
        return sum(self.counts[status] for status in DELIVERY)

    @property
    def unsettled(self) -> int:
        """On their way: a delivery report is still to come."""
        return sum(self.counts[status] for status in UNSETTLED)

    @property
    def done(self) -> int:
        """Out of the queue, one way or the other."""
        return self.recipients - self.waiting

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "counts": self.counts,
            "rows": self.rows,
            "recipients": self.recipients,
            "rejected_rows": self.rejected,
            "duplicates": self.duplicates,
            "waiting": self.waiting,
            "done": self.done,
            "submitted": self.submitted,
            "settled": self.settled,
            "unsettled": self.unsettled,
            "segments": self.segments,
            "cost": str(self.cost),
            "estimated_segments": self.estimated_segments,
            "estimated_cost": None if self.estimated_cost is None else str(self.estimated_cost),
            "currency": self.currency,
            "seconds": self.seconds,
        }


def report(campaign: Campaign) -> CampaignReport:
    """The numbers of ``campaign`` now."""
    counted = counters.read(campaign.pk)
    uploads = list(campaign.uploads.all())
    segments, cost = _estimate(campaign, uploads)
    ended = campaign.completed_at or timezone.now()
    return CampaignReport(
        counts={status.value: counted.get(status.value, 0) for status in Status},
        rows=sum(upload.rows_read for upload in uploads),
        rejected=sum(upload.rejected for upload in uploads),
        duplicates=sum(upload.duplicates for upload in uploads),
        segments=counted.get(counters.SEGMENTS, 0),
        cost=Decimal(counted.get(counters.COST_MICROS, 0)) / 1_000_000,
        estimated_segments=segments,
        estimated_cost=cost,
        currency=app_settings.CURRENCY,
        seconds=(ended - campaign.launched_at).total_seconds() if campaign.launched_at else None,
    )


def _estimate(campaign: Campaign, uploads: list[CampaignUpload]) -> tuple[int, Decimal | None]:
    by_region: Counter[str] = Counter()
    for upload in uploads:
        by_region.update({region: segments for region, (_recipients, segments) in upload.regions.items()})
    rates, cost = RateCard.of_day(), Decimal(0)
    known = True
    for region, segments in sorted(by_region.items()):
        asked = {"channel": campaign.channel, "message_type": campaign.message_type, "country": region}
        part = rates.cost(segments, **asked)
        known = known and part is not None
        cost += part or 0
        rates = rates.after(segments, **asked)  # the next country begins in the tier that this one reached
    return by_region.total(), cost if known else None
