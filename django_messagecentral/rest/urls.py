"""The REST doors for scripts and other services:
``path("api/messagecentral/", include("django_messagecentral.rest.urls"))``, in the namespace
``messagecentral-rest``. Verification has a door of its own, for visitors.
"""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from django_messagecentral.campaigns.rest.views import CampaignViewSet
from django_messagecentral.messaging.rest.views import MessageViewSet, SuppressionViewSet
from django_messagecentral.webhooks.rest.views import WebhookDeliveryViewSet, WebhookEndpointViewSet

app_name = "messagecentral-rest"

router = SimpleRouter(use_regex_path=False)
router.register("messages", MessageViewSet, basename="message")
router.register("campaigns", CampaignViewSet, basename="campaign")
router.register("suppressions", SuppressionViewSet, basename="suppression")
router.register("webhook-endpoints", WebhookEndpointViewSet, basename="webhook-endpoint")
router.register("webhook-deliveries", WebhookDeliveryViewSet, basename="webhook-delivery")
urlpatterns = router.urls
