"""Celery's door to delivery reports."""

from __future__ import annotations

import time

from celery import Task, shared_task

from django_messagecentral.callbacks import processing

SLICE = 15.0  # seconds of work before the next task takes over


@shared_task(bind=True, name="django_messagecentral.process_callbacks", ignore_result=True, acks_late=True)
def process_callbacks(self: Task[[], None]) -> None:
    """Process what is due, batch by batch. Safe when run twice at once.

    It looks once more a moment after its beginning: ``processing.call_worker`` counts on it.
    """
    processing.forget_call()
    began = time.monotonic()
    if not _drain(began + SLICE):
        process_callbacks.apply_async(expires=60)
        return
    if not self.request.is_eager:
        time.sleep(max(0.0, began + processing.LINGER - time.monotonic()))
        _drain(began + SLICE)


def _drain(ends: float) -> bool:
    """Process batches until nothing is due (True) or the time is over (False)."""
    while processing.process_batch():
        if time.monotonic() > ends:
            return False
    return True
