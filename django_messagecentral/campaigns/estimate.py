"""Counts the segments of a campaign's messages again, after its text was changed."""

from __future__ import annotations

from collections import defaultdict

from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.campaigns.states import NEVER_LEFT
from django_messagecentral.db import in_transaction
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.segments import count_segments
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.text import Template, TemplateError

BATCH = 2_000


def recount(campaign_id: int) -> int:
    """Count the drafts' segments by the campaign's present text; the segments in all.

    Of a campaign that was launched or deleted meanwhile nothing is counted: its text is final, and what was
    estimated before the launch stays.
    """
    campaign = Campaign.objects.filter(pk=campaign_id, status__in=NEVER_LEFT).first()
    if campaign is None:
        return 0
    uploads = campaign.uploads.filter(status=CampaignUpload.Status.DONE)
    return sum(_recount_upload(campaign, upload) for upload in uploads)


@in_transaction(Campaign)
def _recount_upload(campaign: Campaign, upload: CampaignUpload) -> int:
    template = Template.parse(campaign.text).bind(upload.columns)
    regions: dict[str, list[int]] = {}
    last = 0
    drafts = Message.objects.filter(campaign=campaign, upload=upload, status=Status.DRAFT).order_by("pk")
    while rows := list(drafts.filter(pk__gt=last).values_list("pk", "region", "variables")[:BATCH]):
        by_segments: defaultdict[int, list[int]] = defaultdict(list)
        for pk, region, variables in rows:
            try:
                segments = count_segments(template.render(variables))
            except TemplateError:  # an empty variable: it will fail with this reason when its turn comes
                segments = 0
            by_segments[segments].append(pk)
            pair = regions.setdefault(region, [0, 0])
            pair[0] += 1
            pair[1] += segments
        for segments, ids in by_segments.items():
            Message.objects.filter(pk__in=ids).update(segments=segments)
        last = rows[-1][0]
    CampaignUpload.objects.filter(pk=upload.pk).update(regions=regions)
    return sum(pair[1] for pair in regions.values())
