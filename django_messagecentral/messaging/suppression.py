"""Opt-outs: who must not be written to."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from django_messagecentral.db import batched
from django_messagecentral.messaging.models import Suppression


def suppressed_phones(phones: Iterable[str], *, channel: str, message_type: str) -> set[str]:
    """Those of ``phones`` (E.164) that opted out of this channel and type, or of everything."""
    opted_out = Suppression.objects.filter(
        Q(channel="") | Q(channel=channel), Q(message_type="") | Q(message_type=message_type)
    )
    found: set[str] = set()
    for batch in batched(phones, 500):
        found.update(opted_out.filter(phone__in=batch).values_list("phone", flat=True))
    return found
