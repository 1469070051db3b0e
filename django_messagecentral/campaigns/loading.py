"""Stores a chunk of an import: messages, rejected rows, counts and the checkpoint, all in one commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils.translation import gettext as _

from django_messagecentral.campaigns import bulk
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.sheet.recipients import Recipient, Rejection
from django_messagecentral.campaigns.sheet.rows import SheetRow
from django_messagecentral.db import database_now, in_transaction
from django_messagecentral.messaging.counters import Deltas
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status

LEASE = 300.0  # seconds; renewed with each chunk


class LostImport(Exception):
    """Another importer took this upload over: its checkpoint has moved. Nothing of the chunk was stored."""


@dataclass(slots=True)
class Chunk:
    """Rows read since the last checkpoint. ``last_row`` is the last row of the sheet that was looked at,
    ``offset`` a place at or before its beginning (bytes of the unpacked list), ``characters`` the size of its
    texts.
    """

    firsts: list[Recipient] = field(default_factory=list)
    repeated: list[Rejection] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    rows_read: int = 0
    last_row: int = 0
    offset: int = 0
    characters: int = 0
    _rows: dict[str, int] = field(default_factory=dict)

    def add(self, row: SheetRow, answer: Recipient | Rejection) -> None:
        """Take what was made of ``row``. Of recipients with one phone the first counts."""
        if isinstance(answer, Recipient):
            self.characters += len(answer.variables_json)
            first = self._rows.setdefault(answer.phone, row.number)
            if first == row.number:
                self.firsts.append(answer)
            else:
                self.repeated.append(duplicate(answer, first))
        else:
            self.characters += sum(map(len, answer.cells))
            self.rejections.append(answer)
        self.rows_read += 1
        self.last_row, self.offset = row.number, row.offset


@in_transaction(Message)
def store(campaign: Campaign, upload: CampaignUpload, claim: UUID, chunk: Chunk) -> None:
    """Store ``chunk`` and move the checkpoint from ``upload.last_row``. Raises :class:`LostImport`."""
    unique = chunk.firsts
    written = bulk.writer(campaign, upload)(campaign, upload, unique)
    duplicates, accepted = list(chunk.repeated), unique
    if written.known or written.suppressed:
        duplicates += [
            duplicate(r, row) for r in unique if (row := written.known.get(r.row_number, -1)) != -1
        ]
        left_out = written.known.keys() | written.suppressed
        accepted = [r for r in unique if r.row_number not in left_out]
    RejectedRow.objects.bulk_create(
        (
            RejectedRow(upload=upload, row_number=r.row_number, cells=r.cells, code=r.code, reason=r.reason)
            for r in [*chunk.rejections, *duplicates]
        ),
        batch_size=bulk.INSERT_ROWS,
    )
    deltas = Deltas()
    deltas.add(campaign.pk, Status.DRAFT, len(accepted))
    deltas.add(campaign.pk, Status.SUPPRESSED, len(written.suppressed))
    deltas.write()
    moved = CampaignUpload.objects.filter(
        pk=upload.pk, claim=claim, last_row=upload.last_row, status=CampaignUpload.Status.IMPORTING
    ).update(
        last_row=chunk.last_row,
        offset=chunk.offset,
        rows_read=F("rows_read") + chunk.rows_read,
        accepted=F("accepted") + len(accepted),
        suppressed=F("suppressed") + len(written.suppressed),
        duplicates=F("duplicates") + len(duplicates),
        rejected=F("rejected") + len(chunk.rejections),
        regions=_regions(upload, accepted),
        problems=_problems(upload, [*chunk.rejections, *duplicates]),
        lease_until=database_now(CampaignUpload) + timedelta(seconds=LEASE),
        tries=0,  # it gets on: only a file that kills its importer again and again at one place is given up
    )
    if not moved:
        raise LostImport(str(upload.public_id))


def _regions(upload: CampaignUpload, accepted: Iterable[Recipient]) -> dict[str, list[int]]:
    """Recipients and segments by country, with those of ``accepted``:
    a page shows costs without counting rows.
    """
    regions: dict[str, list[int]] = {region: list(pair) for region, pair in upload.regions.items()}
    for recipient in accepted:
        pair = regions.setdefault(recipient.region, [0, 0])
        pair[0] += 1
        pair[1] += recipient.segments
    return regions


def _problems(upload: CampaignUpload, set_aside: Iterable[Rejection]) -> dict[str, list[Any]]:
    """Rows set aside by code, with those of ``set_aside``: a page names the problems and counts no rows."""
    problems: dict[str, list[Any]] = {code: list(known) for code, known in upload.problems.items()}
    for rejection in set_aside:
        problems.setdefault(rejection.code, [0, rejection.row_number, rejection.reason])[0] += 1
    return problems


def duplicate(recipient: Recipient, row: int | None) -> Rejection:
    """``recipient`` set aside, since the campaign has its phone from ``row`` already."""
    reason = _("The same phone as in row %(row)s: it gets one message.") % {"row": row or "?"}
    return Rejection(recipient.row_number, recipient.variables, RejectedRow.DUPLICATE, reason)
