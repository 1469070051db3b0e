"""Campaigns as a terminal shows them: found by an id's beginning, told in lines, watched as a bar."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Cast, Replace
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.progress import Progress, progress
from django_messagecentral.campaigns.states import CampaignStatus

BAR_CELLS = 28
SHOWN_ROWS = 20  # rejected rows in the terminal; all of them are in the .xlsx
AMBIGUOUS_SHOWN = 5
_NOT_HEX = re.compile(r"[^0-9a-f]")


class Unusable(ValueError):
    """What was typed cannot be used. The text says what to type instead."""


def campaign_of(text: str) -> Campaign:
    """The campaign whose public id is, or begins with, ``text``. Raises :class:`Unusable`."""
    prefix = text.strip().lower().replace("-", "")
    if not prefix or _NOT_HEX.search(prefix) or len(prefix) > 32:
        raise Unusable(
            _("%(text)r is no campaign id. `status` without an id lists the campaigns.") % {"text": text}
        )
    if len(prefix) == 32:
        found = list(Campaign.objects.filter(public_id=UUID(prefix)))
    else:
        found = list(_beginning_with(prefix)[: AMBIGUOUS_SHOWN + 1])
    if not found:
        raise Unusable(_("There is no campaign with the id %(text)s.") % {"text": text})
    if len(found) > 1:
        shown = [f"{campaign.public_id}  {campaign.name}" for campaign in found[:AMBIGUOUS_SHOWN]]
        more = ["..."] if len(found) > AMBIGUOUS_SHOWN else []
        head = _("Several campaigns' ids begin with %(text)s. Type more of it:") % {"text": text}
        raise Unusable("\n  ".join([head, *shown, *more]))
    return found[0]


def _beginning_with(prefix: str) -> QuerySet[Campaign]:
    """By the id's text: the databases store and order UUIDs each in its own way."""
    spelled = Replace(Cast("public_id", CharField()), Value("-"), Value(""), output_field=CharField())
    return Campaign.objects.annotate(_spelled=spelled).filter(_spelled__startswith=prefix).order_by("-pk")


def moment(text: str) -> datetime:
    """An aware moment from ISO 8601; without an offset it is in the site's time zone.
    Raises :class:`Unusable`, also for what has passed.
    """
    try:
        parsed = parse_datetime(text)
        if parsed is None:
            raise ValueError(text)
    except ValueError:
        raise Unusable(
            _("%(text)r is no moment: write it as 2026-11-24T18:30 or 2026-11-24T18:30+05:30.")
            % {"text": text}
        ) from None
    found = parsed if timezone.is_aware(parsed) else timezone.make_aware(parsed)
    if found <= timezone.now():
        raise Unusable(_("%(moment)s has passed.") % {"moment": found.isoformat()})
    return found


# -- told ---------------------------------------------------------------------------------------


def as_dict(now: Progress, **more: Any) -> dict[str, Any]:
    """For JSON: which campaign it is and where it stands."""
    campaign = now.campaign
    return {
        "id": str(campaign.public_id),
        "name": campaign.name,
        **now.as_dict(),
        "scheduled_at": campaign.scheduled_at,
        "launched_at": campaign.launched_at,
        "completed_at": campaign.completed_at,
        **more,
    }


def one_line(campaign: Campaign, recipients: int) -> str:
    count = ngettext("%(n)s recipient", "%(n)s recipients", recipients) % {"n": f"{recipients:,}"}
    return f"{campaign.public_id}  {campaign.get_status_display():<10}  {count:>20}  {campaign.name}"


def status_lines(now: Progress) -> Iterator[str]:
    """Name, status with its reason, bar, and the counts of each status."""
    campaign = now.campaign
    yield f"{campaign.name}  {campaign.public_id}"
    yield f"{campaign.get_status_display()}{f': {campaign.status_reason}' if campaign.status_reason else ''}"
    if campaign.scheduled_at and not campaign.launched_at:
        at = timezone.localtime(campaign.scheduled_at).isoformat(timespec="minutes")
        yield _("starts at %(moment)s") % {"moment": at}
    if now.total:
        yield bar(now)
    for _status, label, count in now.lines:
        yield f"  {label}: {count:,}"


def report_lines(now: Progress) -> Iterator[str]:
    """All numbers of a campaign."""
    yield from status_lines(now)
    numbers = now.report
    yield _("rows read: %(n)s") % {"n": f"{numbers.rows:,}"}
    yield _("rejected rows: %(n)s") % {"n": f"{numbers.rejected:,}"}
    yield _("duplicates: %(n)s") % {"n": f"{numbers.duplicates:,}"}
    yield _("segments: %(n)s of %(of)s estimated") % {
        "n": f"{numbers.segments:,}",
        "of": f"{numbers.estimated_segments:,}",
    }
    if numbers.estimated_cost is None:
        estimated = _("no rate for some countries")
    else:
        estimated = _("of %(cost)s estimated") % {"cost": f"{numbers.estimated_cost:,.2f}"}
    yield _("cost: %(cost)s %(currency)s, %(estimated)s") % {
        "cost": f"{numbers.cost:,.2f}",
        "currency": numbers.currency,
        "estimated": estimated,
    }
    if numbers.seconds is not None:
        yield _("seconds since the launch: %(n)s") % {"n": f"{numbers.seconds:,.0f}"}


def rejected_lines(campaign: Campaign, rejected: int, upload: CampaignUpload | None = None) -> Iterator[str]:
    """The first rejected rows with their reasons. Their cells hold phone numbers, which stay out of
    terminals and their logs.
    """
    rows = RejectedRow.objects.filter(upload__campaign=campaign).exclude(code=RejectedRow.DUPLICATE)
    if upload is not None:
        rows = rows.filter(upload=upload)
    for row in rows.order_by("upload_id", "row_number")[:SHOWN_ROWS]:
        yield _("row %(row)d: %(reason)s") % {"row": row.row_number, "reason": row.reason}
    if rejected > SHOWN_ROWS:
        yield _("and %(n)s more") % {"n": f"{rejected - SHOWN_ROWS:,}"}


def resend_warning(campaign: Campaign, count: int) -> str:
    """What sending ``count`` unconfirmed messages again may do to people."""
    warning = ngettext(
        "%(name)s: %(n)d message is unconfirmed and may have been received. If it was, its recipient gets it "
        "a second time, at your cost.",
        "%(name)s: %(n)d messages are unconfirmed and some of them may have been received. Whoever has "
        "received one gets it a second time, at your cost.",
        count,
    ) % {"name": campaign.name, "n": count}
    if campaign.status == CampaignStatus.PAUSED:
        warning += " " + _("The campaign is paused; all that waits in it goes on too.")
    return warning


def give_up_warning(campaign: Campaign, count: int) -> str:
    """What giving up ``count`` unconfirmed messages means."""
    return ngettext(
        "%(name)s: %(n)d unconfirmed message will count as failed and never be sent, though it may have "
        "been received. This cannot be undone.",
        "%(name)s: %(n)d unconfirmed messages will count as failed and never be sent, though some of "
        "them may have been received. This cannot be undone.",
        count,
    ) % {"name": campaign.name, "n": count}


# -- watched ------------------------------------------------------------------------------------


def bar(now: Progress, pace: float | None = None) -> str:
    """``Sending [########--------] 512 / 1,024  50%  48/s``, ASCII for every terminal and log.

    A sheet may state fewer rows than it has: the bar is full then, and the numbers tell the truth.
    """
    share = min(1.0, now.done / now.total) if now.total else 0.0
    full = int(share * BAR_CELLS)
    text = f"{now.phase} [{'#' * full}{'-' * (BAR_CELLS - full)}] {now.done:,}"
    if now.total:
        text += f" / {now.total:,}  {int(share * 100)}%"
    return text if pace is None else f"{text}  {pace:,.0f}/s"


@dataclass
class Watch:
    """Looks again and again until ``over``, and hands each look that shows something new to ``show``."""

    campaign: Campaign
    show: Callable[[Progress, float | None], None]
    over: Callable[[Progress], bool]
    interval: float
    _last: tuple[Any, ...] = ()
    _began: dict[str, tuple[float, int]] = field(default_factory=dict)  # phase -> seconds, done

    def run(self) -> Progress:
        """The last look. Each costs the same at any size of the campaign."""
        while True:
            self.campaign.refresh_from_db()
            now = progress(self.campaign)
            seen = (self.campaign.status, now.phase, now.done, now.total, tuple(now.lines))
            if seen != self._last:
                self._last = seen
                self.show(now, self._pace(now))
            if self.over(now):
                return now
            time.sleep(self.interval)

    def _pace(self, now: Progress) -> float | None:
        """Done a second since this phase was first seen; None until there is something to divide by."""
        began, done = self._began.setdefault(now.phase, (time.monotonic(), now.done))
        seconds = time.monotonic() - began
        return (now.done - done) / seconds if seconds >= self.interval and now.done > done else None
