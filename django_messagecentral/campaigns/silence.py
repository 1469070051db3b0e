"""A campaign found ``sending`` after an hour without a sign of life (an outage, a restored snapshot) waits
for a person: nobody else knows what has left meanwhile.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from django_messagecentral.campaigns.changing import SWEEP, change
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.db import database_now

logger = logging.getLogger("django_messagecentral.campaigns")

SILENCE = 3600.0  # seconds without a worker's sign after which a person decides


def pause_silent(campaigns: QuerySet[Campaign]) -> int:
    """Pause those of ``campaigns`` that have been silent for too long, by the database's clock; how many.

    The sweep asks for all of them, and each worker for its own before it sends: a broker may still hold tasks
    from before.
    """
    silent = campaigns.filter(
        status=CampaignStatus.SENDING,
        heartbeat_at__lt=database_now(Campaign) - timedelta(seconds=SILENCE),
    )
    reason = _(
        "No worker has worked on it for over an hour. Make sure that nothing was "
        "sent from elsewhere, then resume."
    )
    paused = 0
    for campaign in silent:
        again = Campaign.objects.filter(
            pk=campaign.pk, status=CampaignStatus.SENDING, heartbeat_at=campaign.heartbeat_at
        )
        if change(again, CampaignStatus.PAUSED, cause=SWEEP, status_reason=reason):
            paused += 1
            logger.error("campaign %s paused: %s", campaign.public_id, reason)
    return paused
