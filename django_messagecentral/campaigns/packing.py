"""What leaves of a claimed batch, in which calls, and what must stay: opt-outs, quiet hours, texts that fail.

Three modes (``Campaign.mode``): one call a recipient, one text to many numbers, the vendor's file upload.
Left to the text, a personalised one goes one by one, each with a transaction id of its own; the same text
for all goes to many numbers at once.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta

from django.db.models import OuterRef, QuerySet
from django.utils import timezone

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.vendor_file import file, vendor_text, vendor_values
from django_messagecentral.conf import app_settings
from django_messagecentral.db import batched
from django_messagecentral.messaging import unsubscribe
from django_messagecentral.messaging.delivery import (
    SUPPRESSED,
    Item,
    Parcel,
    item_of,
    numbers,
    one,
    outgoing_of,
    too_long,
)
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.quiet_hours import may_leave_now
from django_messagecentral.messaging.results import Result
from django_messagecentral.messaging.routing.choosing import chooses
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.suppression import has_opted_out
from django_messagecentral.messaging.text import BoundTemplate, Template, TemplateError

Refused = dict[int, Result]


class Packer:
    """Packs the messages of one campaign, by its text and mode as they were when it was made."""

    def __init__(self, campaign: Campaign) -> None:
        self._campaign = campaign
        self._template = Template.parse(campaign.text)
        self._columns = {upload.pk: tuple(upload.columns) for upload in campaign.uploads.all()}
        self._bound: dict[tuple[str, ...], BoundTemplate] = {}
        self._rates = RateCard.of_day()
        self.mode = campaign.mode or (
            Campaign.Mode.SINGLE
            if self._template.is_personal or unsubscribe.is_used_in(campaign.text)
            else Campaign.Mode.NUMBERS
        )

    @property
    def call_size(self) -> int:
        """How many recipients one call carries at most."""
        return 1 if self.mode == Campaign.Mode.SINGLE else app_settings.BULK_SIZE

    def claimable(self) -> QuerySet[Message]:
        """The campaign's messages, each with the answer whether its phone has opted out: what
        :meth:`pack` takes. Asked in the claim's own statement, so nobody can opt out unseen before it.
        """
        channel = OuterRef("channel") if chooses(self._campaign.routing) else self._campaign.channel
        asked = has_opted_out(channel=channel, message_type=self._campaign.message_type)
        return Message.objects.filter(campaign=self._campaign.pk).annotate(_opted_out=asked)

    def pack(self, rows: list[Message]) -> tuple[list[Parcel], Refused]:
        """Parcels for the wire, and results of those rows that must not or cannot leave."""
        texts, refused = self._texts(rows)
        leaving = [row for row in rows if row.pk in texts]
        if self.mode == Campaign.Mode.SINGLE:
            return [
                Parcel((item_of(row, texts[row.pk], self._rates),), outgoing_of(row, texts[row.pk]), one)
                for row in leaving
            ], refused
        return self._many(leaving, texts), refused

    def _texts(self, rows: list[Message]) -> tuple[dict[int, str], Refused]:
        texts: dict[int, str] = {}
        refused: Refused = {}
        for row in rows:
            if row._opted_out:  # type: ignore[attr-defined]
                refused[row.pk] = SUPPRESSED
            elif wait := may_leave_now(row.phone, row.message_type):
                later = timezone.now() + timedelta(seconds=wait)
                refused[row.pk] = Result(status=Status.QUEUED, not_before=later)
            else:
                try:
                    text = unsubscribe.fill(self._bound_for(row).render(row.variables), row.public_id)
                    problem = too_long(text)
                except TemplateError as error:
                    problem = str(error)
                if problem:
                    refused[row.pk] = Result(status=Status.FAILED, error=problem)
                else:
                    texts[row.pk] = text
        return texts, refused

    def _many(self, rows: list[Message], texts: dict[int, str]) -> list[Parcel]:
        """Calls of many recipients: those of one call share channel, sheet columns and text."""
        groups: defaultdict[tuple[object, ...], list[Message]] = defaultdict(list)
        by_file = self.mode == Campaign.Mode.FILE
        for row in rows:
            says = self._columns.get(row.upload_id or 0, ()) if by_file else texts[row.pk]
            groups[(row.channel, says)].append(row)
        parcels = []
        for group in groups.values():
            template = self._bound_for(group[0])
            text = vendor_text(template) if by_file else texts[group[0].pk]
            for batch in batched(group, self.call_size):
                items: tuple[Item, ...] = tuple(
                    item_of(row, texts[row.pk], self._rates, vendor_values(template, row) if by_file else ())
                    for row in batch
                )
                parcels.append(Parcel(items, outgoing_of(batch[0], text), file if by_file else numbers))
        return parcels

    def _bound_for(self, row: Message) -> BoundTemplate:
        columns = self._columns.get(row.upload_id or 0, ())
        if columns not in self._bound:
            self._bound[columns] = self._template.bind(columns)
        return self._bound[columns]
