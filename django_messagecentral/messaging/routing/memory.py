"""What is known of numbers: channels that fail for them, by their own delivery reports, and opt-outs.

The messages themselves are the memory, found by the index on their phone: nothing is written for it, nothing
can disagree with the reports, and what is erased is forgotten. A batch of phones is one query.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.db import batched
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.routing.policies import Asked, Known
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.suppression import suppressed_phones

PHONES = 500  # of one query
# An expired message says that the phone was off, an unknown one says nothing: neither is the channel's fault.
FAILURES = (Status.UNDELIVERED, Status.REJECTED)


def known_of(asked: Sequence[Asked], *, failing: bool = False) -> Known:
    """What policies may know of ``asked``. What fails, and the rates, are looked up only where wanted."""
    channels = app_settings.ROUTING_CHANNELS
    phones: defaultdict[str, list[str]] = defaultdict(list)
    for each in asked:
        phones[each.message_type].append(each.phone)
    opted_out: defaultdict[str, set[str]] = defaultdict(set)
    for message_type, of_type in phones.items():
        for channel in channels:
            for phone in suppressed_phones(of_type, channel=channel, message_type=message_type):
                opted_out[phone].add(channel)
    if not failing:
        return Known(channels, opted_out=opted_out)
    known_to_fail = failing_channels((each.phone for each in asked), channels)
    return Known(channels, RateCard.of_day(), opted_out, known_to_fail)


def failing_channels(phones: Iterable[str], channels: Sequence[str]) -> dict[str, set[str]]:
    """Channels by phone whose newest delivery fact of the last ``ROUTING_MEMORY_DAYS`` is a failure."""
    since = timezone.now() - timedelta(days=app_settings.ROUTING_MEMORY_DAYS)
    newest: dict[tuple[str, str], tuple[datetime, bool]] = {}
    for batch in batched(set(phones), PHONES):
        facts = Message.objects.filter(
            phone__in=batch,
            channel__in=channels,
            status__in=(Status.DELIVERED, *FAILURES),
            updated_at__gte=since,
        )
        for phone, channel, status, done_at, updated_at in facts.values_list(
            "phone", "channel", "status", "done_at", "updated_at"
        ):
            fact = (done_at or updated_at, status in FAILURES)
            key = (phone, channel)
            newest[key] = max(newest.get(key, fact), fact)
    found: dict[str, set[str]] = {}
    for (phone, channel), (_at, failed) in newest.items():
        if failed:
            found.setdefault(phone, set()).add(channel)
    return found
