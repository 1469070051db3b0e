"""URLs of the app: ``path("messagecentral/", include("django_messagecentral.urls"))``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from django_messagecentral.callbacks.views import InboundView, WebhookView
from django_messagecentral.health_views import HealthView
from django_messagecentral.messaging.unsubscribe_views import UnsubscribeView

app_name = "messagecentral"

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhook/", WebhookView.as_view(), name="webhook-by-header"),
    path("webhook/<str:token>/", WebhookView.as_view(), name="webhook"),
    path("inbound/", InboundView.as_view(), name="inbound-by-header"),
    path("inbound/<str:token>/", InboundView.as_view(), name="inbound"),
    path("health/", HealthView.as_view(), name="health"),
    path("unsubscribe/<str:token>", UnsubscribeView.as_view(), name="unsubscribe"),
    path("", include("django_messagecentral.verification.urls")),
]
