"""Takes what is due from the outbox, POSTs it, and writes down what became of it. At least once, unordered.

A worker claims a few deliveries of each endpoint for :func:`lease` seconds, POSTs them from threads that
never touch the database, outside of any transaction, and writes the answers where the claim is still its
own. What a killed worker had claimed is due again when its lease ends.

An endpoint that fails is tried with one delivery at a time, at growing distances, so that a subscriber that
is down costs little and the attempts of what waits for it are not used up; after ``OUTGOING_DISABLE_AFTER``
seconds of nothing but failures it is disabled, and says why.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral import tracing
from django_messagecentral.conf import app_settings
from django_messagecentral.db import Conflict, batched, in_transaction, locked
from django_messagecentral.webhooks.models import WebhookDelivery, WebhookEndpoint
from django_messagecentral.webhooks.outbox import forget_subscribers
from django_messagecentral.webhooks.posting import GONE, Answer, post
from django_messagecentral.webhooks.signing import signed_headers

logger = logging.getLogger("django_messagecentral.webhooks")

# Seconds after each failed attempt; the last one is about a day after the first.
DELAYS = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 28_800)
JITTER = 0.1
THREADS = 8
BATCH = 25  # deliveries of one endpoint
ALL = 200  # deliveries of one round
START_WITHIN = 15.0  # seconds after the claim; what has not begun by then is given back
LONGEST_BLOCK = 300.0  # seconds between two tries of an endpoint that fails
LONGEST_WISH = 3600.0  # seconds of Retry-After that are obeyed

State = WebhookDelivery.State


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one claimed delivery; ``answer`` is None when it was not begun."""

    delivery: WebhookDelivery
    answer: Answer | None


def lease() -> float:
    """Seconds for which a claim holds: until its last POST is surely over, and clocks that differ forgiven.
    A subscriber may get an event twice; that is promised, and rare.
    """
    return START_WITHIN + app_settings.OUTGOING_TIMEOUT + 30.0


def due_endpoints() -> QuerySet[WebhookEndpoint]:
    """Endpoints that may be tried now."""
    free = Q(blocked_until__isnull=True) | Q(blocked_until__lte=timezone.now())
    return WebhookEndpoint.objects.filter(free, enabled=True)


def due_of(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    """Its deliveries that may be tried now."""
    return WebhookDelivery.objects.filter(
        endpoint=endpoint.pk, state=State.PENDING, next_try_at__lte=timezone.now()
    )


def is_due() -> bool:
    """Whether a worker would find anything to do."""
    return any(due_of(endpoint).exists() for endpoint in due_endpoints())


def deliver_batch() -> int:
    """One round; how many were POSTed. Safe when run twice at once."""
    begun = time.monotonic()
    endpoints = {endpoint.pk: endpoint for endpoint in due_endpoints()}
    claim = uuid.uuid4()
    claimed: list[WebhookDelivery] = []
    for endpoint in sorted(endpoints.values(), key=lambda _: random.random()):  # noqa: S311 - none comes first
        room = min(1 if endpoint.failures else BATCH, ALL - len(claimed))
        claimed += _claim(endpoint, claim, room)
    if not claimed:
        return 0

    def send(delivery: WebhookDelivery) -> Sent:
        if time.monotonic() - begun > START_WITHIN:
            return Sent(delivery, None)
        return Sent(delivery, _post(endpoints[delivery.endpoint_id], delivery))

    with ThreadPoolExecutor(THREADS, thread_name_prefix="messagecentral-webhooks") as pool:
        sent = list(pool.map(tracing.carried(send), claimed))
    by_endpoint: defaultdict[int, list[Sent]] = defaultdict(list)
    for each in sent:
        by_endpoint[each.delivery.endpoint_id].append(each)
    for pk, of_endpoint in by_endpoint.items():
        _record(endpoints[pk], of_endpoint, claim)
    return sum(each.answer is not None for each in sent)


@in_transaction(WebhookDelivery)
def _claim(endpoint: WebhookEndpoint, claim: uuid.UUID, limit: int) -> list[WebhookDelivery]:
    limit -= _in_flight(endpoint, limit)
    if limit <= 0:
        return []
    due = due_of(endpoint)
    rows = list(locked(due.order_by("next_try_at", "pk"), skip_locked=True)[:limit])
    if not rows:
        return []
    until = timezone.now() + timedelta(seconds=lease())
    if due.filter(pk__in=[row.pk for row in rows]).update(claim=claim, next_try_at=until) != len(rows):
        raise Conflict("another worker claimed some of these deliveries")
    return rows


def _in_flight(endpoint: WebhookEndpoint, limit: int) -> int:
    """How many of its deliveries other workers hold, up to ``limit``: a slow subscriber must not occupy one
    worker of the site after the other.
    """
    held = WebhookDelivery.objects.filter(
        endpoint=endpoint.pk, state=State.PENDING, next_try_at__gt=timezone.now(), claim__isnull=False
    )
    return held.order_by()[: max(0, limit)].count()


def _post(endpoint: WebhookEndpoint, delivery: WebhookDelivery) -> Answer:
    """Runs in a thread: no database here."""
    message_id = f"msg_{delivery.public_id.hex}"
    headers = signed_headers(message_id, delivery.body, endpoint.keys, timezone.now())
    with tracing.span("messagecentral.webhooks.post", is_call=True, event=delivery.event):
        answer = post(endpoint.url, delivery.body, headers, app_settings.OUTGOING_TIMEOUT)
        tracing.note(http_status=answer.status)
        if not answer.is_success:
            tracing.failed()
    return answer


@in_transaction(WebhookDelivery)
def _record(endpoint: WebhookEndpoint, sent: Iterable[Sent], claim: uuid.UUID) -> None:
    """Write the answers, where the claim is still ours."""
    now = timezone.now()
    mine = WebhookDelivery.objects.filter(claim=claim, state=State.PENDING)
    answers = []
    delivered: defaultdict[int | None, list[int]] = defaultdict(list)
    for each in sent:
        row, answer = each.delivery, each.answer
        if answer is None:
            mine.filter(pk=row.pk).update(claim=None, next_try_at=now)
            continue
        answers.append(answer)
        if answer.is_success:
            delivered[answer.status].append(row.pk)
        else:
            _record_failure(mine.filter(pk=row.pk), row, answer, now)
    for status, pks in delivered.items():
        for batch in batched(pks, 500):
            mine.filter(pk__in=batch).update(
                state=State.DELIVERED,
                attempts=F("attempts") + 1,
                claim=None,
                http_status=status,
                detail="",
                finished_at=now,
            )
    if answers:
        _record_health(endpoint, answers, now)


def _record_failure(
    mine: QuerySet[WebhookDelivery], row: WebhookDelivery, answer: Answer, now: datetime
) -> None:
    facts = {"attempts": row.attempts + 1, "claim": None, "http_status": answer.status}
    if row.attempts >= len(DELAYS):
        mine.update(**facts, detail=answer.detail, state=State.FAILED, finished_at=now)
        return
    delay = DELAYS[row.attempts] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    delay = max(delay, min(answer.retry_after or 0.0, LONGEST_WISH))
    mine.update(**facts, detail=answer.detail, next_try_at=now + timedelta(seconds=delay))


def _record_health(endpoint: WebhookEndpoint, answers: list[Answer], now: datetime) -> None:
    row = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    if any(answer.status == GONE for answer in answers):
        _disable(row, endpoint, _("It answered 410: it wants no more events."))
    elif any(answer.is_success for answer in answers):
        row.update(failures=0, failing_since=None, blocked_until=None, last_success_at=now)
    else:
        block = min(LONGEST_BLOCK, 2.0 ** min(endpoint.failures + 1, 10))
        row.update(
            failures=F("failures") + 1,
            failing_since=Coalesce("failing_since", now),
            blocked_until=now + timedelta(seconds=block),
        )
        long_ago = now - timedelta(seconds=app_settings.OUTGOING_DISABLE_AFTER)
        hours = app_settings.OUTGOING_DISABLE_AFTER // 3600
        last = answers[-1].detail if answers[-1].status is None else str(answers[-1].status)
        reason = _("Nothing but failures for %(hours)d hours. The last one: %(last)s") % {
            "hours": hours,
            "last": last,
        }
        _disable(row.filter(failing_since__lte=long_ago), endpoint, reason)


def _disable(row: QuerySet[WebhookEndpoint], endpoint: WebhookEndpoint, reason: str) -> None:
    if row.filter(enabled=True).update(enabled=False, disabled_reason=reason[:300]):
        forget_subscribers()
        logger.error("webhook endpoint %s is disabled: %s", endpoint.public_id, reason)
