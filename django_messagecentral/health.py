"""Is everything that messages need alive? The same answers for a command, a view and the site's own code.

Each probe ends by itself (timeouts of a few seconds) and names what to do. What it finds is one of

``ok``
    As it should be.
``warning``
    Worth a look; messages go on.
``failing``
    Messages do not leave, or their fate is not heard of.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from celery import current_app
from django.core.cache import caches
from django.utils import timezone

from django_messagecentral.backends import get_backend
from django_messagecentral.backends.messagecentral import MessageCentralBackend
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import AuthenticationFailed, MessageCentralError
from django_messagecentral.gauges import LIVE_MOST, oldest_queued
from django_messagecentral.messaging.markers import UPKEEP, read_marker
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from django_messagecentral.webhooks.models import WebhookEndpoint

logger = logging.getLogger("django_messagecentral.health")

OK, WARNING, FAILING = "ok", "warning", "failing"

BEAT_SILENCE = timedelta(minutes=5)
QUEUE_WAIT = timedelta(minutes=10)
CALLBACK_WAIT = timedelta(hours=1)  # after which a report should have come for some of what was submitted
CALLBACK_SAMPLE = timedelta(days=1)
BACKLOG = 10_000  # reports waiting to be processed
BROKER_TIMEOUT = 3  # seconds


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe found. ``detail`` is for operators; it holds no secret and no phone."""

    name: str
    status: str
    detail: str


def check() -> list[Finding]:
    """Every probe once. One that breaks is failing, and never an exception."""
    return [_run(name, probe) for name, probe in PROBES.items()]


def worst(findings: list[Finding]) -> str:
    """The status of the whole."""
    order = (OK, WARNING, FAILING)
    return max((finding.status for finding in findings), key=order.index, default=OK)


def as_dict(findings: list[Finding]) -> dict[str, Any]:
    """JSON-ready."""
    return {"status": worst(findings), "checks": [asdict(finding) for finding in findings]}


def _run(name: str, probe: Callable[[], tuple[str, str]]) -> Finding:
    try:
        status, detail = probe()
    except Exception as error:  # whatever a broken service raises is what is to be reported
        logger.warning("health probe %s failed", name, exc_info=True)
        status, detail = FAILING, f"the probe failed: {type(error).__name__}"
    return Finding(name, status, detail)


def _credentials() -> tuple[str, str]:
    backend = get_backend()
    if not isinstance(backend, MessageCentralBackend):
        return OK, f"{type(backend).__name__} needs none"
    try:
        backend.client.check_credentials()
    except AuthenticationFailed as error:
        return FAILING, f"the vendor refuses the account: {error}"
    except MessageCentralError as error:
        return FAILING, f"the vendor cannot be asked: {error}"
    return OK, "the vendor takes them"


def _sending() -> tuple[str, str]:
    if not app_settings.SENDING_ENABLED:
        return WARNING, "SENDING_ENABLED is False: nothing leaves the site"
    return OK, "enabled"


def _broker() -> tuple[str, str]:
    if current_app.conf.task_always_eager:
        return WARNING, "task_always_eager is on: tasks run in the caller's own process"
    with current_app.connection_for_write(connect_timeout=BROKER_TIMEOUT) as connection:
        try:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_TIMEOUT)
        except Exception as error:  # noqa: BLE001 - each transport has errors of its own
            return FAILING, f"no connection: {type(error).__name__}"
    return OK, "connected"


def _cache() -> tuple[str, str]:
    cache, key = caches[app_settings.CACHE], f"messagecentral:health:{uuid.uuid4()}"
    try:
        if not cache.add(key, 1, 30) or cache.incr(key) != 2:
            return FAILING, "it does not count: codes by phone will be refused"
    finally:
        cache.delete(key)
    return OK, "counts"


def _beat() -> tuple[str, str]:
    at = read_marker(UPKEEP).at
    if at is None:
        return FAILING, "the upkeep task has never run: is BEAT_SCHEDULE in the site's beat?"
    silence = timezone.now() - at
    if silence > BEAT_SILENCE:
        minutes = int(silence.total_seconds() // 60)
        return FAILING, f"no upkeep for {minutes} minutes: beat or every worker is down"
    return OK, f"upkeep ran {int(silence.total_seconds())} s ago"


def _queue() -> tuple[str, str]:
    """The oldest message that could leave now and does not, at the same cost for any length of the queue."""
    now = timezone.now()
    going = Campaign.objects.filter(status=CampaignStatus.SENDING).order_by("-pk")
    oldest = oldest_queued(going.values_list("pk", flat=True)[:LIVE_MOST], now)
    if oldest is None:
        return OK, "nothing waits"
    waited = now - oldest
    status = OK if waited <= QUEUE_WAIT else WARNING
    if status == WARNING and not _campaign_moves(now):
        status = FAILING
    return status, f"the oldest message has waited {int(waited.total_seconds())} s"


def _campaign_moves(now: Any) -> bool:
    """A long campaign keeps its last recipients waiting, and that is no fault."""
    alive = now - BEAT_SILENCE
    return Campaign.objects.filter(status=CampaignStatus.SENDING, heartbeat_at__gte=alive).exists()


def _webhooks() -> tuple[str, str]:
    """Whether this site's own subscribers are heard of."""
    disabled = WebhookEndpoint.objects.filter(enabled=False).exclude(disabled_reason="").count()
    if disabled:
        return WARNING, f"{disabled} webhook endpoints were disabled after long failure"
    failing = WebhookEndpoint.objects.filter(enabled=True, failures__gt=0).count()
    return OK, f"{failing} endpoints fail at the moment" if failing else "none fails"


def _callbacks() -> tuple[str, str]:
    """Whether reports come for what was submitted, and are processed."""
    now = timezone.now()
    waiting = Callback.objects.filter(state=Callback.State.PENDING, next_try_at__lte=now - BEAT_SILENCE)
    backlog = waiting[: BACKLOG + 1].count()
    if backlog:
        return (
            FAILING,
            f"{'over ' if backlog > BACKLOG else ''}{min(backlog, BACKLOG)} reports wait for a worker",
        )
    newest = Callback.objects.order_by("-pk").values_list("received_at", flat=True).first()
    asked = Message.objects.filter(
        status=Status.SUBMITTED, submitted_at__range=(now - CALLBACK_SAMPLE, now - CALLBACK_WAIT)
    )
    silent = newest is None or newest < now - CALLBACK_SAMPLE
    if silent and asked.exists():  # in this order: where reports come, nobody looks through what is under way
        return WARNING, "messages were submitted and no report came for a day: is the webhook registered?"
    parked = Callback.objects.filter(state=Callback.State.PARKED)[: BACKLOG + 1].count()
    if parked:
        return OK, f"{parked} reports wait for a person"
    return OK, "none" if newest is None else f"the newest came {int((now - newest).total_seconds())} s ago"


PROBES: dict[str, Callable[[], tuple[str, str]]] = {
    "credentials": _credentials,
    "sending": _sending,
    "broker": _broker,
    "cache": _cache,
    "beat": _beat,
    "queue": _queue,
    "callbacks": _callbacks,
    "webhooks": _webhooks,
}
