"""The REST doors for scripts and other services:
``path("api/messagecentral/", include("django_messagecentral.rest.urls"))``, in the namespace
``messagecentral-rest``. Verification has a door of its own, for visitors.
"""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from django_messagecentral.callbacks.rest.views import CallbackViewSet
from django_messagecentral.campaigns.rest.budgets import BudgetViewSet
from django_messagecentral.campaigns.rest.costs import CostsViewSet
from django_messagecentral.campaigns.rest.views import CampaignViewSet
from django_messagecentral.messaging.rest.rates import RateViewSet
from django_messagecentral.messaging.rest.views import InboundViewSet, MessageViewSet, SuppressionViewSet
from django_messagecentral.rest.health import HealthViewSet
from django_messagecentral.verification.rest.operators import (
    PhoneLockViewSet,
    RefusalViewSet,
    SendBudgetViewSet,
    VerificationLogViewSet,
)
from django_messagecentral.webhooks.rest.views import WebhookDeliveryViewSet, WebhookEndpointViewSet

app_name = "messagecentral-rest"

router = SimpleRouter(use_regex_path=False)
router.register("messages", MessageViewSet, basename="message")
router.register("campaigns", CampaignViewSet, basename="campaign")
router.register("suppressions", SuppressionViewSet, basename="suppression")
router.register("webhook-endpoints", WebhookEndpointViewSet, basename="webhook-endpoint")
router.register("webhook-deliveries", WebhookDeliveryViewSet, basename="webhook-delivery")
router.register("inbound", InboundViewSet, basename="inbound")
router.register("callbacks", CallbackViewSet, basename="callback")
router.register("rates", RateViewSet, basename="rate")
router.register("budgets", BudgetViewSet, basename="budget")
router.register("costs", CostsViewSet, basename="costs")
router.register("verifications", VerificationLogViewSet, basename="verification")
router.register("phone-locks", PhoneLockViewSet, basename="phone-lock")
router.register("refusals", RefusalViewSet, basename="refusal")
router.register("send-budgets", SendBudgetViewSet, basename="send-budget")
router.register("health", HealthViewSet, basename="health")
urlpatterns = router.urls
