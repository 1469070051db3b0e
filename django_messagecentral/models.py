"""Gathers the models of the rooms: Django looks for them here."""

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.messaging.models import (
    AccountPace,
    Attempt,
    CampaignCounter,
    CounterDelta,
    Message,
    Rate,
    Suppression,
)

__all__ = [
    "AccountPace",
    "Attempt",
    "Callback",
    "Campaign",
    "CampaignCounter",
    "CampaignUpload",
    "CounterDelta",
    "Message",
    "Rate",
    "RejectedRow",
    "Suppression",
]
