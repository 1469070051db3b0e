"""Stores a chunk of an import: messages, rejected rows, counts and the checkpoint, all in one commit."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.sheet.recipients import Recipient, Rejection
from django_messagecentral.db import batched, database_now, in_transaction
from django_messagecentral.messaging.counters import Deltas
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.suppression import suppressed_phones

INSERT_ROWS = 1_000
LEASE = 300.0  # seconds; renewed with each chunk


class LostImport(Exception):
    """Another importer took this upload over: its checkpoint has moved. Nothing of the chunk was stored."""


@dataclass(slots=True)
class Chunk:
    """Rows read since the last checkpoint. ``last_row`` is the last row of the sheet that was looked at."""

    recipients: list[Recipient] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    rows_read: int = 0
    last_row: int = 0


@in_transaction(Message)
def store(campaign: Campaign, upload: CampaignUpload, claim: UUID, chunk: Chunk) -> None:
    """Store ``chunk`` and move the checkpoint from ``upload.last_row``. Raises :class:`LostImport`."""
    new, duplicates = _without_duplicates(campaign, chunk.recipients)
    opted_out = suppressed_phones(
        (r.phone for r in new), channel=campaign.channel, message_type=campaign.message_type
    )
    Message.objects.bulk_create(
        (_message(campaign, upload, r, suppressed=r.phone in opted_out) for r in new), batch_size=INSERT_ROWS
    )
    RejectedRow.objects.bulk_create(
        (
            RejectedRow(upload=upload, row_number=r.row_number, cells=r.cells, code=r.code, reason=r.reason)
            for r in [*chunk.rejections, *duplicates]
        ),
        batch_size=INSERT_ROWS,
    )
    deltas = Deltas()
    deltas.add(campaign.pk, Status.DRAFT, len(new) - len(opted_out))
    deltas.add(campaign.pk, Status.SUPPRESSED, len(opted_out))
    deltas.write()
    moved = CampaignUpload.objects.filter(
        pk=upload.pk, claim=claim, last_row=upload.last_row, status=CampaignUpload.Status.IMPORTING
    ).update(
        last_row=chunk.last_row,
        rows_read=F("rows_read") + chunk.rows_read,
        accepted=F("accepted") + len(new) - len(opted_out),
        suppressed=F("suppressed") + len(opted_out),
        duplicates=F("duplicates") + len(duplicates),
        rejected=F("rejected") + len(chunk.rejections),
        regions=_regions(upload, [r for r in new if r.phone not in opted_out]),
        lease_until=database_now(CampaignUpload) + timedelta(seconds=LEASE),
    )
    if not moved:
        raise LostImport(str(upload.public_id))


def _regions(upload: CampaignUpload, accepted: list[Recipient]) -> dict[str, list[int]]:
    """Recipients and segments by country, with those of ``accepted``:
    a page shows costs without counting rows.
    """
    regions: dict[str, list[int]] = {region: list(pair) for region, pair in upload.regions.items()}
    for recipient in accepted:
        pair = regions.setdefault(recipient.region, [0, 0])
        pair[0] += 1
        pair[1] += recipient.segments
    return regions


def _without_duplicates(
    campaign: Campaign, recipients: list[Recipient]
) -> tuple[list[Recipient], list[Rejection]]:
    """The first of each phone that the campaign has not yet, and the others with the row they repeat."""
    known: dict[str, int | None] = {}
    for batch in batched(recipients, 500):
        known.update(
            Message.objects.of_campaign(campaign)
            .filter(phone__in=[r.phone for r in batch])
            .values_list("phone", "row_number")
        )
    new: list[Recipient] = []
    duplicates: list[Rejection] = []
    for recipient in recipients:
        if recipient.phone in known:
            reason = _("The same phone as in row %(row)s: it gets one message.") % {
                "row": known[recipient.phone] or "?"
            }
            duplicates.append(
                Rejection(recipient.row_number, recipient.variables, RejectedRow.DUPLICATE, reason)
            )
        else:
            known[recipient.phone] = recipient.row_number
            new.append(recipient)
    return new, duplicates


def _message(
    campaign: Campaign, upload: CampaignUpload, recipient: Recipient, *, suppressed: bool
) -> Message:
    return Message(
        campaign=campaign,
        upload=upload,
        row_number=recipient.row_number,
        phone=recipient.phone,
        region=recipient.region,
        variables=recipient.variables,
        segments=recipient.segments,
        channel=campaign.channel,
        message_type=campaign.message_type,
        sender_id=campaign.sender_id,
        template_id=campaign.template_id,
        entity_id=campaign.entity_id,
        status=Status.SUPPRESSED if suppressed else Status.DRAFT,
    )
