"""URLs of the app: ``path("messagecentral/", include("django_messagecentral.urls"))``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from django_messagecentral.callbacks.views import WebhookView

app_name = "messagecentral"

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhook/", WebhookView.as_view(), name="webhook-by-header"),
    path("webhook/<str:token>/", WebhookView.as_view(), name="webhook"),
]
