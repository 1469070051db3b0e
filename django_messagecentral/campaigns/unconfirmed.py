"""A person's decision about messages that nobody can know to have left: send them again, or give them up.

Both take only rows whose worker can do nothing more: its lease and the longest possible call are over. A
delivery report may still come at any moment; each row is written only while it is unconfirmed, so the
report or the decision wins, never both.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_messagecentral.callbacks import processing
from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.changing import change
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.service import CampaignError
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.db import database_now, in_transaction
from django_messagecentral.messaging.claims import longest_call
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import move

logger = logging.getLogger("django_messagecentral.campaigns")

BATCH = 1_000  # rows of one transaction
RESENDS_FROM = (CampaignStatus.SENDING, CampaignStatus.PAUSED, CampaignStatus.COMPLETED)


class _HoldLost(Exception):
    """Somebody resumed or cancelled the campaign while its rows were being queued."""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """``ready`` messages can be decided about; ``too_fresh`` ones in ``wait`` seconds, all of them."""

    ready: int
    too_fresh: int
    wait: float


def unconfirmed(campaign: Campaign) -> Unconfirmed:
    """How many wait for a decision. Counts the unconfirmed rows only, by an index."""
    past = _past()
    of_campaign = Message.objects.of_campaign(campaign).filter(status=Status.UNCONFIRMED)
    fresh = of_campaign.filter(lease_until__gte=past)
    latest = fresh.aggregate(latest=Max("lease_until"))["latest"]
    return Unconfirmed(
        ready=_decidable(campaign).count(),
        too_fresh=fresh.count(),
        wait=(latest - past).total_seconds() if latest else 0.0,
    )


def resend_unconfirmed(campaign: Campaign) -> int:
    """Queue unconfirmed messages of ``campaign`` again and go on sending; how many were queued.

    Some of them may have been received: those people get the text twice. The doors say so before they call.
    The campaign (sending, paused or completed) is paused while its rows are queued, so that it cannot
    be closed in between; if this process dies there, it stays paused, with the reason. What waits in a paused
    campaign goes on too. Raises :class:`CampaignError`; then nothing was queued, or as many as its text says.
    """
    campaign.refresh_from_db()
    if campaign.status not in RESENDS_FROM:
        raise CampaignError(
            _("The campaign is %(now)s: nothing of it can be sent again.")
            % {"now": campaign.get_status_display()}
        )
    _require_some(campaign)
    _hold(campaign)
    # The submit time stays: by it a report of the first attempt still finds the row, and stops the second.
    fields = {
        "claim": None,  # a late answer of the first worker finds no row of its own
        "lease_until": None,
        "not_before": None,
        "error": "",
        "error_code": "",
    }
    moved = 0
    try:
        for batch in _batches(campaign):
            moved += _queue(campaign.pk, batch, fields)
    except _HoldLost:
        campaign.refresh_from_db()
        if campaign.status != CampaignStatus.SENDING:
            raise CampaignError(
                _("The campaign became %(now)s meanwhile. Messages queued again: %(n)d.")
                % {"now": campaign.get_status_display(), "n": moved}
            ) from None
    _go_on(campaign)
    logger.warning("campaign %s: a person sends %d unconfirmed messages again", campaign.public_id, moved)
    return moved


def give_up_unconfirmed(campaign: Campaign) -> int:
    """Count unconfirmed messages of ``campaign`` as failed, in any state of it; how many were given up.

    They are never sent. A delivery report that names one by its id still corrects it: the claim stays on
    the row, so that a late answer of its worker can tell that id. Raises :class:`CampaignError`.
    """
    _require_some(campaign)
    fields = {"error": _("Given up by a person: nobody knows whether it was received."), "error_code": ""}
    moved = 0
    for batch in _batches(campaign):
        phones = list(batch.values_list("phone", flat=True))
        moved += len(move(batch, Status.UNCONFIRMED, Status.FAILED, Cause.OPERATOR, fields, skip_locked=True))
        processing.reopen(phones)  # reports that fitted several messages may fit one now
    logger.warning("campaign %s: a person gave up %d unconfirmed messages", campaign.public_id, moved)
    return moved


def _past() -> Any:
    """The moment before which a lease must have ended. The database's clock: the leases are on it."""
    return database_now(Message) - timedelta(seconds=longest_call())


def _decidable(campaign: Campaign) -> QuerySet[Message]:
    over = Q(lease_until__isnull=True) | Q(lease_until__lt=_past())
    return Message.objects.filter(over, campaign=campaign.pk, status=Status.UNCONFIRMED)


def _batches(campaign: Campaign) -> Iterator[QuerySet[Message]]:
    """Each decidable row once, also when others write them at the same time: the ids only rise."""
    rows = _decidable(campaign).order_by("pk")
    last = 0
    while ids := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        last = ids[-1]
        yield rows.filter(pk__in=ids)


def _require_some(campaign: Campaign) -> None:
    found = unconfirmed(campaign)
    if found.ready:
        return
    if found.too_fresh:
        raise CampaignError(
            ngettext(
                "%(n)d unconfirmed message left only just now: its answer may still come. "
                "Decide about it in %(wait)d seconds.",
                "%(n)d unconfirmed messages left only just now: their answers may still come. "
                "Decide about them in %(wait)d seconds.",
                found.too_fresh,
            )
            % {"n": found.too_fresh, "wait": found.wait + 1}
        )
    raise CampaignError(_("The campaign has no unconfirmed messages."))


@in_transaction(Campaign)
def _hold(campaign: Campaign) -> None:
    """Pause the campaign. From ``completed`` the table's way there leads through ``sending``."""
    reason = _("Its unconfirmed messages were being queued again and that was broken off: look, then resume.")
    if campaign.status == CampaignStatus.COMPLETED:
        reopened = Campaign.objects.filter(pk=campaign.pk, status=CampaignStatus.COMPLETED)
        change(reopened, CampaignStatus.SENDING, completed_at=None)
    if campaign.status != CampaignStatus.PAUSED:
        service.pause(campaign, reason)
    Campaign.objects.filter(pk=campaign.pk).update(heartbeat_at=timezone.now())  # nobody closes it now


@in_transaction(Message)
def _queue(campaign_id: int, batch: QuerySet[Message], fields: Mapping[str, Any]) -> int:
    moved = move(batch, Status.UNCONFIRMED, Status.QUEUED, Cause.OPERATOR, fields, skip_locked=True)
    # Rows first, then their campaign: the order of all other writers. The UPDATE keeps a resume or a cancel
    # waiting for this commit, and finds one that came before it.
    held = Campaign.objects.filter(pk=campaign_id, status=CampaignStatus.PAUSED)
    if not held.update(heartbeat_at=timezone.now()):
        raise _HoldLost
    return len(moved)


def _go_on(campaign: Campaign) -> None:
    try:
        service.resume(campaign)
    except CampaignError:  # another person was quicker, which is as good
        if campaign.status != CampaignStatus.SENDING:
            raise
