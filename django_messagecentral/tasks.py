"""Gathers the tasks of the rooms: Celery's ``autodiscover_tasks()`` looks for them here.

Add :data:`BEAT_SCHEDULE` to the site's beat schedule::

    app.conf.beat_schedule.update(django_messagecentral.tasks.BEAT_SCHEDULE)
"""

from __future__ import annotations

from typing import Any

from django_messagecentral.callbacks.tasks import process_callbacks
from django_messagecentral.campaigns.tasks import cancel_messages_of, dispatch_campaign, import_upload, sweep
from django_messagecentral.messaging.tasks import deliver_message
from django_messagecentral.upkeep import upkeep
from django_messagecentral.verification.tasks import fall_back, sweep_verifications
from django_messagecentral.webhooks.tasks import deliver_webhooks

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "messagecentral-sweep": {"task": sweep.name, "schedule": 10.0, "options": {"expires": 10}},
    "messagecentral-upkeep": {"task": upkeep.name, "schedule": 60.0, "options": {"expires": 60}},
}

__all__ = [
    "BEAT_SCHEDULE",
    "cancel_messages_of",
    "deliver_message",
    "deliver_webhooks",
    "dispatch_campaign",
    "fall_back",
    "import_upload",
    "process_callbacks",
    "sweep",
    "sweep_verifications",
    "upkeep",
]
