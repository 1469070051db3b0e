"""Celery's door to delivery reports."""

from __future__ import annotations

import time

from celery import shared_task

from django_messagecentral.callbacks import processing

SLICE = 15.0  # seconds of work before the next task takes over


@shared_task(name="django_messagecentral.process_callbacks", ignore_result=True, acks_late=True)
def process_callbacks() -> None:
    """Process what is due, batch by batch. Safe when run twice at once."""
    processing.forget_call()
    ends = time.monotonic() + SLICE
    while processing.process_batch():
        if time.monotonic() > ends:
            process_callbacks.apply_async(expires=60)
            return
