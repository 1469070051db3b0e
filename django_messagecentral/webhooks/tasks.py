"""Celery's door to the outbox."""

from __future__ import annotations

import time

from celery import shared_task

from django_messagecentral.webhooks import delivering
from django_messagecentral.webhooks.calling import forget_call

SLICE = 15.0  # seconds of work before the next task takes over


@shared_task(name="django_messagecentral.deliver_webhooks", ignore_result=True, acks_late=True)
def deliver_webhooks() -> None:
    """Deliver what is due, round by round. Safe when run twice at once."""
    forget_call()
    ends = time.monotonic() + SLICE
    while delivering.deliver_batch():
        if time.monotonic() > ends:
            deliver_webhooks.apply_async(expires=60)
            return
