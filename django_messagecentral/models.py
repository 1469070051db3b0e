"""Gathers the models of the rooms: Django looks for them here."""

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, DispatchSlot, RejectedRow
from django_messagecentral.messaging.models import (
    Attempt,
    Budget,
    CampaignCounter,
    CounterDelta,
    InboundMessage,
    Marker,
    Message,
    Pace,
    Rate,
    Spend,
    Suppression,
)
from django_messagecentral.messaging.routing.models import Hop
from django_messagecentral.verification.models import (
    Challenge,
    PhoneLedger,
    Refusal,
    SendBudget,
    Verification,
)
from django_messagecentral.webhooks.models import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Attempt",
    "Budget",
    "Callback",
    "Campaign",
    "CampaignCounter",
    "CampaignUpload",
    "Challenge",
    "CounterDelta",
    "DispatchSlot",
    "Hop",
    "InboundMessage",
    "Marker",
    "Message",
    "Pace",
    "PhoneLedger",
    "Rate",
    "Refusal",
    "RejectedRow",
    "SendBudget",
    "Spend",
    "Suppression",
    "Verification",
    "WebhookDelivery",
    "WebhookEndpoint",
]
