"""Writes events down for their subscribers, in the transaction of what they tell.

A body holds ids and states, and no phone, text or name: a subscriber asks the REST API for what it may know.
So a body may lie in the outbox, or in somebody's log, longer than the person's data may.

A site without subscribers pays one small query in :data:`REMEMBERED` seconds a process, whatever it sends.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.utils import timezone

from django_messagecentral import events
from django_messagecentral.db import database_for
from django_messagecentral.webhooks.calling import call_worker
from django_messagecentral.webhooks.models import EventType, WebhookDelivery, WebhookEndpoint

REMEMBERED = 5.0  # seconds after which a process hears of an endpoint that another one made

_known: tuple[float, dict[str, list[int]]] | None = None


def subscribers(event: str) -> list[int]:
    """Primary keys of the enabled endpoints that hear of ``event``, as of :data:`REMEMBERED` seconds ago."""
    global _known
    if _known is None or time.monotonic() - _known[0] > REMEMBERED:
        found: dict[str, list[int]] = {}
        for pk, wanted in WebhookEndpoint.objects.filter(enabled=True).values_list("pk", "events"):
            for name in wanted:
                found.setdefault(name, []).append(pk)
        _known = (time.monotonic(), found)
    return _known[1].get(event, [])


def forget_subscribers(**_: Any) -> None:
    """Ask the database again the next time."""
    global _known
    _known = None


post_save.connect(forget_subscribers, WebhookEndpoint, dispatch_uid="django_messagecentral.webhooks.saved")
post_delete.connect(forget_subscribers, WebhookEndpoint, dispatch_uid="django_messagecentral.webhooks.gone")


def publish(
    event: str, facts: Callable[[], Iterable[dict[str, Any]]], *, endpoints: Sequence[int] | None = None
) -> None:
    """Write one delivery for each of ``facts()`` and each subscriber, and call a worker after the commit.

    In the caller's transaction. ``facts`` is called only where somebody listens; each has ``at``, the moment
    it tells of.
    """
    wanted = subscribers(event) if endpoints is None else endpoints
    if not wanted:
        return
    rows = []
    for fact in facts():
        body = _body(event, fact)
        rows += [WebhookDelivery(endpoint_id=pk, event=event, body=body) for pk in wanted]
    using = database_for(WebhookDelivery)
    with transaction.atomic(using=using):
        WebhookDelivery.objects.bulk_create(rows, batch_size=500)
        if rows:
            transaction.on_commit(call_worker, using=using, robust=True)


def _body(event: str, fact: dict[str, Any]) -> str:
    at: datetime = fact.pop("at")
    told = {"type": event, "timestamp": at.isoformat(), "data": fact}
    return json.dumps(told, separators=(",", ":"), ensure_ascii=True)


# -- the events ---------------------------------------------------------------------------------


def messages_changed(changes: Sequence[events.MessageChange]) -> None:
    """Tell changes of messages that were queued, but for those that only say that work goes on."""
    news = [change for change in changes if change.new not in events.ON_ITS_WAY and change.old != "draft"]
    if news:
        publish(EventType.MESSAGE_STATUS_CHANGED, partial(_message_facts, news))


def _message_facts(changes: Sequence[events.MessageChange]) -> Iterable[dict[str, Any]]:
    campaigns = events.campaign_ids(change.campaign_id for change in changes)
    for change in changes:
        campaign = campaigns.get(change.campaign_id) if change.campaign_id is not None else None
        yield {
            "id": str(change.public_id),
            "campaign": str(campaign) if campaign else None,
            "channel": change.channel,
            "old_status": str(change.old),
            "status": str(change.new),
            "cause": change.cause.value,
            "at": change.at,
        }


def campaign_changed(public_id: Any, channel: str, old: str, new: str, cause: str, at: datetime) -> None:
    """Tell that a campaign is complete, or paused."""
    event = {"completed": EventType.CAMPAIGN_COMPLETED, "paused": EventType.CAMPAIGN_PAUSED}.get(str(new))
    if event is not None:
        fact = {"id": str(public_id), "channel": channel, "old_status": str(old), "cause": cause, "at": at}
        publish(event, lambda: [fact])


def verified(public_id: Any, purpose: str, proves: str, user_id: Any) -> None:
    """Tell that somebody holds the phone, or reads the e-mail address, of a verification."""
    fact = {
        "id": str(public_id),
        "purpose": purpose,
        "proves": str(proves),
        "user": None if user_id is None else str(user_id),
        "at": timezone.now(),
    }
    publish(EventType.VERIFICATION_VERIFIED, lambda: [fact])


def opted_out(public_id: Any, channel: str, message_type: str, source: str, at: datetime) -> None:
    """Tell that somebody must not be written to any more."""
    fact = {
        "id": str(public_id),
        "channel": channel or None,
        "message_type": message_type or None,
        "source": source,
        "at": at,
    }
    publish(EventType.MESSAGE_OPTED_OUT, lambda: [fact])
