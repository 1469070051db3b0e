"""Structured logs: one record a change of state, in the logger ``django_messagecentral.events``.

The record's text is the event's name; what it tells is in the record's own attributes (``extra``), so that
any JSON formatter writes it down as it is. Every value is a string or None. Names and fields are stable:

``message.status_changed``
    ``message_id``, ``campaign_id`` (None for a single message), ``channel``, ``old``, ``new``, ``cause``,
    ``at``. At level DEBUG for ``draft -> queued`` and changes to ``sending``, which say that work goes on;
    at INFO for the others.
``campaign.status_changed``
    ``campaign_id``, ``channel``, ``old``, ``new``, ``cause``, ``at``. INFO, and WARNING for a pause that no
    person asked for.
``verification.status_changed``
    ``verification_id``, ``purpose``, ``channel``, ``old``, ``new``, ``cause`` (the stable reason code),
    ``at``. INFO.

Ids are the public UUIDs, ``at`` is ISO 8601 in UTC. No number, no text, no code and no name is in any of
them. Written after the commit; when the level is off nothing is built.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from django.apps import apps
from django.utils import timezone

logger = logging.getLogger("django_messagecentral.events")

MESSAGE = "message.status_changed"
CAMPAIGN = "campaign.status_changed"
VERIFICATION = "verification.status_changed"

ON_ITS_WAY = ("queued", "sending")  # new states that are no news to a person
KNOWN_CAMPAIGNS = 1_000  # ids remembered by a process

_campaigns: dict[int, UUID] = {}


class MessageChange(Protocol):
    """What :func:`messages` reads of a change."""

    @property
    def public_id(self) -> UUID: ...
    @property
    def campaign_id(self) -> int | None: ...
    @property
    def channel(self) -> str: ...
    @property
    def old(self) -> str: ...
    @property
    def new(self) -> str: ...
    @property
    def cause(self) -> Any: ...
    @property
    def at(self) -> datetime: ...


def messages(changes: Sequence[MessageChange]) -> None:
    """Tell changes of messages. One query at most, for campaigns this process has not seen yet."""
    if not logger.isEnabledFor(logging.INFO):
        return
    debug = logger.isEnabledFor(logging.DEBUG)
    told = [(change, level_of(change)) for change in changes]
    told = [(change, level) for change, level in told if debug or level > logging.DEBUG]
    ids = campaign_ids(change.campaign_id for change, _level in told)
    for change, level in told:
        campaign = ids.get(change.campaign_id) if change.campaign_id is not None else None
        fields = {"message_id": str(change.public_id), "campaign_id": str(campaign) if campaign else None}
        _tell(level, MESSAGE, change.channel, change.old, change.new, change.cause.value, change.at, fields)


def level_of(change: MessageChange) -> int:
    """The level of a message's change."""
    return logging.DEBUG if change.new in ON_ITS_WAY else logging.INFO


def campaign(public_id: UUID, channel: str, old: str, new: str, cause: str, at: datetime) -> None:
    """Tell a change of a campaign."""
    level = logging.WARNING if new == "paused" and cause != "asked" else logging.INFO
    _tell(level, CAMPAIGN, channel, old, new, cause, at, {"campaign_id": str(public_id)})


def verification(
    public_id: UUID, purpose: str, channel: str, old: str, new: str, cause: str, at: datetime | None = None
) -> None:
    """Tell a change of a verification."""
    fields = {"verification_id": str(public_id), "purpose": purpose}
    _tell(logging.INFO, VERIFICATION, channel, old, new, cause, at or timezone.now(), fields)


def campaign_ids(wanted: Iterable[int | None]) -> dict[int, UUID]:
    """Public ids of campaigns by primary key; those deleted meanwhile are missing."""
    keys = {key for key in wanted if key is not None}
    if unknown := keys - _campaigns.keys():
        if len(_campaigns) > KNOWN_CAMPAIGNS:
            _campaigns.clear()
            unknown = keys
        rows = apps.get_model("messagecentral", "Campaign")._default_manager.filter(pk__in=unknown)
        _campaigns.update(rows.values_list("pk", "public_id"))
    return {key: _campaigns[key] for key in keys if key in _campaigns}


def _tell(
    level: int, name: str, channel: str, old: str, new: str, cause: str, at: datetime, fields: dict[str, Any]
) -> None:
    if logger.isEnabledFor(level):
        told = {"event": name, **fields, "channel": channel, "old": str(old), "new": str(new)}
        logger.log(level, name, extra={**told, "cause": str(cause), "at": at.isoformat()})
