"""A campaign's progress as a person watches it: one look, one answer, the same cost at any size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from django_messagecentral.campaigns.models import Campaign, CampaignUpload
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
