"""The one function that writes ``Campaign.status``: conditional, and announced after the commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from django_messagecentral import events
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.db import Conflict, database_for, in_transaction
from django_messagecentral.webhooks import outbox

ASKED = "asked"  # a person, or the site's own code
WORKER = "worker"  # a puller: failures in a row, a spent budget, the campaign's end
SWEEP = "sweep"  # the schedule, an hour's silence
IMPORT = "import"  # a sheet was read
DONE = "done"  # nothing waits any more

_cause: ContextVar[str] = ContextVar("messagecentral_cause", default=ASKED)


@dataclass(frozen=True, slots=True)
class CampaignChange:
    """One change of one campaign. ``at`` is the moment it was written, UTC."""

    campaign_id: int
    public_id: UUID
    channel: str
    old: str
    new: str
    cause: str
    at: datetime


@contextmanager
def caused_by(cause: str) -> Iterator[None]:
    """What is asked for inside was not asked for by a person, but by ``cause``."""
    token = _cause.set(cause)
    try:
        yield
    finally:
        _cause.reset(token)


@in_transaction(Campaign)
def change(
    campaigns: QuerySet[Campaign], new: CampaignStatus, *, cause: str = "", **fields: Any
) -> CampaignChange | None:
    """Move the one campaign of ``campaigns`` to ``new`` and set ``fields``; None when there is none.

    ``campaigns`` names the campaign and the states it may come from: of two who try at once one wins.
    """
    row = campaigns.values_list("pk", "public_id", "channel", "status").first()
    if row is None:
        return None
    pk, public_id, channel, old = row
    if not campaigns.filter(status=old).update(status=new, **fields):
        raise Conflict("the campaign changed meanwhile")
    cause = cause or _cause.get()
    done = CampaignChange(pk, public_id, channel, old, new.value, cause, timezone.now())
    if done.old != done.new:
        outbox.campaign_changed(done.public_id, channel, old, done.new, cause, done.at)
    transaction.on_commit(partial(_announce, done), using=database_for(Campaign), robust=True)
    return done


def _announce(done: CampaignChange) -> None:
    if done.old != done.new:
        events.campaign(done.public_id, done.channel, done.old, done.new, done.cause, done.at)
