"""Celery's doors to single messages."""

from __future__ import annotations

from celery import shared_task

from django_messagecentral.messaging import service


@shared_task(name="django_messagecentral.deliver_message", ignore_result=True, acks_late=True)
def deliver_message(message_id: int) -> None:
    """Send one queued message. Safe when run twice, also at once."""
    service.deliver(message_id)
