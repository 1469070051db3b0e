"""Celery's doors to verifications. Arguments are ids; no code ever travels in a task."""

from __future__ import annotations

from celery import shared_task

from django_messagecentral.verification.flows import fallback, sweep


@shared_task(name="django_messagecentral.fall_back", ignore_result=True)
def fall_back(challenge_id: int) -> None:
    """Send another code by the next channel. Safe when run twice, also at once."""
    fallback.fall_back(challenge_id)


@shared_task(name="django_messagecentral.sweep_verifications", ignore_result=True)
def sweep_verifications() -> None:
    """Fall back from codes that were not entered, and end what nobody looks at any more."""
    for challenge_id in fallback.overdue():
        fallback.fall_back(challenge_id)
    sweep.sweep()
