"""What the first recipients will read."""

from __future__ import annotations

from dataclasses import dataclass

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.segments import Segmentation, segment
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.text import Template, TemplateError
from django_messagecentral.phones import mask_phone


@dataclass(frozen=True, slots=True)
class Preview:
    phone: str
    text: str
    segmentation: Segmentation


def preview(campaign: Campaign, *, count: int = 3, full_numbers: bool = False) -> list[Preview]:
    """The texts of the first ``count`` drafts."""
    drafts = (
        Message.objects.of_campaign(campaign)
        .filter(status=Status.DRAFT)
        .select_related("upload")
        .order_by("pk")
    )
    template = Template.parse(campaign.text)
    previews = []
    for row in drafts[:count]:
        try:
            text = template.bind(row.upload.columns if row.upload else []).render(row.variables)
        except TemplateError as error:
            text = str(error)
        phone = row.phone if full_numbers else mask_phone(row.phone)
        previews.append(Preview(phone, text, segment(text)))
    return previews
