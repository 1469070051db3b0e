"""Celery's doors to campaigns. Arguments are ids; each task is safe when run twice, also at once."""

from __future__ import annotations

from celery import shared_task

from django_messagecentral.campaigns import dispatch, estimate, imports, service
from django_messagecentral.campaigns import sweep as sweeping


@shared_task(name="django_messagecentral.import_upload", ignore_result=True, acks_late=True)
def import_upload(upload_id: int) -> None:
    """Import one upload, or what is left of it."""
    imports.run_import(upload_id)


@shared_task(name="django_messagecentral.dispatch_campaign", ignore_result=True, acks_late=True)
def dispatch_campaign(campaign_id: int) -> None:
    """Work one slice on a campaign, then call the successor."""
    if dispatch.dispatch(campaign_id):
        dispatch_campaign.apply_async((campaign_id,), expires=60)


@shared_task(name="django_messagecentral.cancel_messages", ignore_result=True, acks_late=True)
def cancel_messages_of(campaign_id: int) -> None:
    """Cancel what still waits in a cancelled campaign."""
    service.cancel_messages(campaign_id)


@shared_task(name="django_messagecentral.sweep", ignore_result=True)
def sweep() -> None:
    """Look at the database and restart whatever should be going on and is not."""
    sweeping.sweep()


@shared_task(name="django_messagecentral.recount_segments", ignore_result=True, acks_late=True)
def recount_segments(campaign_id: int) -> None:
    """Count a campaign's segments again after its text was changed."""
    estimate.recount(campaign_id)
