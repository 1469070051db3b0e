"""Texts that people send to the site: STOP, START, and everything else.

The vendor documents no payload, so ``INBOUND_FIELDS`` maps it. What is not mapped has these names::

    {"mobile": "919876543210", "message": "STOP", "channel": "SMS", "messageId": "..."}

    MESSAGECENTRAL = {"INBOUND_FIELDS": {"phone": "data.from", "text": "data.body"}}      # dots go deeper

``phone`` carries its country code, with or without plus. A list is many texts. With an ``id`` the same text
is taken once; without one the same JSON within a minute is.
"""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from django_messagecentral import signals
from django_messagecentral.callbacks.raw import storable
from django_messagecentral.conf import app_settings
from django_messagecentral.db import database_for
from django_messagecentral.messaging.models import InboundMessage
from django_messagecentral.messaging.suppression import obey_keyword
from django_messagecentral.phones import from_vendor

DEFAULT_FIELDS = {"phone": "mobile", "text": "message", "channel": "channel", "id": "messageId"}


def receive(payload: Any) -> int:
    """Store each text of ``payload`` once and obey it; how many were new."""
    items = payload if isinstance(payload, list) else [payload]
    return sum(_take(item) for item in map(storable, items))


def _take(item: Any) -> bool:
    phone = from_vendor(_field(item, "phone")[:40]) or ""
    text = _field(item, "text")
    using = database_for(InboundMessage)
    row = InboundMessage(
        fingerprint=_fingerprint(item),
        phone=phone,
        text=text,
        channel=_field(item, "channel")[:20],
        payload=item,
    )
    try:
        with transaction.atomic(using=using):
            if phone and text.strip():
                row.action = InboundMessage.Action(obey_keyword(phone, text))
            else:
                row.action = InboundMessage.Action.UNREADABLE
            row.save(force_insert=True)
            announce = partial(signals.send, signals.inbound_received, InboundMessage, message=row)
            transaction.on_commit(announce, using=using, robust=True)
    except IntegrityError:
        if not InboundMessage.objects.filter(fingerprint=row.fingerprint).exists():
            raise
        return False
    return True


def _field(item: Any, name: str) -> str:
    found = item
    for key in app_settings.INBOUND_FIELDS.get(name, DEFAULT_FIELDS[name]).split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return "" if found is None or isinstance(found, (dict, list, bool)) else str(found)


def _fingerprint(item: Any) -> str:
    own_id = _field(item, "id")
    identity: Any = [own_id, _field(item, "phone")]
    if not own_id:  # the same word an hour later is another message
        identity = [item, timezone.now().strftime("%Y-%m-%dT%H:%M")]
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
