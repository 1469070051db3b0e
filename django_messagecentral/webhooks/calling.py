"""Calls a worker for the outbox, once for many events."""

from __future__ import annotations

import logging

from django.core.cache import caches

from django_messagecentral.conf import app_settings

logger = logging.getLogger("django_messagecentral.webhooks")

KEY = "messagecentral:webhooks:called"
SECONDS = 30


def call_worker() -> None:
    """Put a task into the broker, unless one is there that has not begun. The sweep finds what is lost."""
    from django_messagecentral.webhooks.tasks import deliver_webhooks

    try:
        wanted = caches[app_settings.CACHE].add(KEY, 1, SECONDS)
    except Exception:  # noqa: BLE001 - any cache library's own error: without a cache every event calls
        wanted = True
    if wanted:
        deliver_webhooks.apply_async(expires=SECONDS, retry=False)


def forget_call() -> None:
    """Take the mark away: what is written from now on calls again."""
    try:
        caches[app_settings.CACHE].delete(KEY)
    except Exception:  # noqa: BLE001 - as above; the mark ends by itself
        logger.warning("the cache is down")
