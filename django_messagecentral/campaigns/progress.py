"""A campaign's progress as a person watches it: one look, one answer, the same cost at any size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.report import CampaignReport, report
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging.states import Status


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` in the present phase (importing, sending, settling)."""

    campaign: Campaign
    report: CampaignReport
    phase: str
    done: int
    total: int

    @property
    def lines(self) -> list[tuple[str, str, int]]:
        """(status, its name, how many) of the statuses that have any, in the order of a message's life."""
        return [
            (status.value, str(status.label), self.report.counts[status])
            for status in Status
            if self.report.counts[status]
        ]

    @property
    def is_live(self) -> bool:
        """Whether it is worth looking again soon."""
        moving = (CampaignStatus.IMPORTING, CampaignStatus.SCHEDULED, CampaignStatus.SENDING)
        return self.campaign.status in moving or bool(self.report.unsettled)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready, for the page's script."""
        return {
            "status": self.campaign.status,
            "status_label": self.campaign.get_status_display(),
            "reason": self.campaign.status_reason,
            "phase": self.phase,
            "done": self.done,
            "total": self.total,
            "live": self.is_live,
            "lines": [
                {"status": status, "label": label, "count": count} for status, label, count in self.lines
            ],
            "report": self.report.as_dict(),
        }


@dataclass(slots=True)
class Problem:
    """``rows`` of the sheets were set aside for one cause; ``row`` is the first, with its ``reason``."""

    code: str
    rows: int
    row: int
    reason: str


def problems_of(uploads: Iterable[CampaignUpload]) -> list[Problem]:
    """What is wrong with the sheets, the most frequent first: kept by the import, no row is counted here."""
    found: dict[str, Problem] = {}
    for upload in uploads:
        for code, (rows, row, reason) in upload.problems.items():
            found.setdefault(code, Problem(code, 0, row, reason)).rows += rows
    return sorted(found.values(), key=lambda problem: -problem.rows)


def first_rows_aside(uploads: Iterable[CampaignUpload], limit: int) -> list[RejectedRow]:
    """The first rows that were set aside. By one index look an upload: asked for a whole campaign, a database
    sorts all of its rejected rows to show twenty.
    """
    found: list[RejectedRow] = []
    for upload in uploads:
        if len(found) < limit and upload.problems:
            found += upload.rejected_rows.order_by("row_number")[: limit - len(found)]
    return found


def progress(campaign: Campaign) -> Progress:
    """Where ``campaign`` is now."""
    numbers = report(campaign)
    if campaign.status == CampaignStatus.IMPORTING:
        uploads = list(
            campaign.uploads.filter(
                status__in=(CampaignUpload.Status.PENDING, CampaignUpload.Status.IMPORTING)
            )
        )
        read = sum(upload.last_row for upload in uploads)
        return Progress(
            campaign, numbers, _("Reading the spreadsheet"), read, sum(u.total_rows or 0 for u in uploads)
        )
    if campaign.status in (CampaignStatus.SENDING, CampaignStatus.PAUSED):
        return Progress(campaign, numbers, _("Sending"), numbers.done, numbers.recipients)
    if numbers.submitted or numbers.unsettled:
        return Progress(
            campaign, numbers, _("Delivery reports"), numbers.settled, numbers.settled + numbers.unsettled
        )
    return Progress(campaign, numbers, "", 0, 0)
