"""When a campaign is over: no row waits and no import runs.

A paused one too, whose last answers came when it was paused: there is nothing that a resume could send.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from django_messagecentral import signals
from django_messagecentral.campaigns.changing import DONE, change
from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.db import database_for, in_transaction
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import WAITING

# Seconds without a sign of life after which a paused campaign is closed: while unconfirmed messages
# are queued again it is paused too, and gives signs.
AT_REST = 60.0

logger = logging.getLogger("django_messagecentral.dispatch")


def complete(campaign_id: int) -> bool:
    """Close the campaign if nothing of it waits; whether this call closed it.

    One conditional UPDATE decides. It is preceded by a plain look: on MariaDB the UPDATE's own look at the
    messages takes locks, and would wait for a worker that was stopped in the middle of a transaction.
    """
    if Message.objects.filter(campaign=campaign_id, status__in=WAITING).exists():
        return False
    return _close(campaign_id)


@in_transaction(Campaign)
def _close(campaign_id: int) -> bool:
    waiting = Message.objects.filter(campaign=OuterRef("pk"), status__in=WAITING)
    running = CampaignUpload.objects.filter(
        campaign=OuterRef("pk"), status__in=(CampaignUpload.Status.PENDING, CampaignUpload.Status.IMPORTING)
    )
    open_ = Q(status=CampaignStatus.SENDING) | Q(
        status=CampaignStatus.PAUSED, heartbeat_at__lt=timezone.now() - timedelta(seconds=AT_REST)
    )
    at_rest = Campaign.objects.filter(open_, ~Exists(waiting), ~Exists(running), pk=campaign_id)
    closed = change(
        at_rest, CampaignStatus.COMPLETED, cause=DONE, completed_at=timezone.now(), status_reason=""
    )
    if closed:
        transaction.on_commit(partial(_announce, campaign_id), using=database_for(Campaign), robust=True)
    return bool(closed)


def _announce(campaign_id: int) -> None:
    campaign = Campaign.objects.get(pk=campaign_id)
    logger.info("campaign %s is complete", campaign.public_id)
    signals.send(signals.campaign_completed, Campaign, campaign=campaign)
