"""The states of a campaign and the one table of allowed changes between them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class CampaignStatus(models.TextChoices):
    """Where a campaign is."""

    DRAFT = "draft", _("draft")
    IMPORTING = "importing", _("importing")
    READY = "ready", _("ready")
    SCHEDULED = "scheduled", _("scheduled")
    SENDING = "sending", _("sending")
    PAUSED = "paused", _("paused")
    COMPLETED = "completed", _("completed")
    CANCELLED = "cancelled", _("cancelled")
    FAILED = "failed", _("failed")


_S = CampaignStatus

CAMPAIGN_TRANSITIONS: dict[CampaignStatus, frozenset[CampaignStatus]] = {
    _S.DRAFT: frozenset({_S.IMPORTING, _S.CANCELLED}),
    _S.IMPORTING: frozenset({_S.READY, _S.FAILED, _S.CANCELLED}),
    _S.READY: frozenset({_S.IMPORTING, _S.SCHEDULED, _S.SENDING, _S.CANCELLED}),
    _S.SCHEDULED: frozenset({_S.SENDING, _S.PAUSED, _S.READY, _S.CANCELLED}),
    _S.SENDING: frozenset({_S.PAUSED, _S.COMPLETED, _S.CANCELLED}),
    _S.PAUSED: frozenset({_S.SENDING, _S.COMPLETED, _S.CANCELLED}),
    _S.COMPLETED: frozenset({_S.SENDING}),  # resend
    _S.CANCELLED: frozenset(),
    _S.FAILED: frozenset({_S.IMPORTING, _S.CANCELLED}),  # another file
}

TAKES_UPLOADS = (_S.DRAFT, _S.READY, _S.FAILED)
LIVE = (_S.SENDING, _S.PAUSED)
NEVER_LEFT = (_S.DRAFT, _S.READY, _S.FAILED)  # the text may still be changed, and all of it deleted
OVER = (_S.COMPLETED, _S.CANCELLED)


def sources_of(new: CampaignStatus) -> list[CampaignStatus]:
    """The states from which ``new`` may be entered: the WHERE of the conditional UPDATE."""
    return [old for old, allowed in CAMPAIGN_TRANSITIONS.items() if new in allowed]
