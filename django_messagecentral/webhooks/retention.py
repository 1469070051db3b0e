"""Deletes old deliveries, and those of endpoints that are gone."""

from __future__ import annotations

import time
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.webhooks.models import WebhookDelivery, WebhookEndpoint

BATCH = 2_000


def purge(seconds: float = 10.0) -> int:
    """Delete what is older than ``OUTGOING_RETENTION_DAYS`` (0: nothing), sent or not; how many."""
    ends = time.monotonic() + seconds
    gone = ~Q(endpoint__in=list(WebhookEndpoint.objects.values_list("pk", flat=True)))
    days = app_settings.OUTGOING_RETENTION_DAYS
    old = [Q(created_at__lt=timezone.now() - timedelta(days=days))] if days else []
    total = 0
    for wanted in (gone, *old):
        rows = WebhookDelivery.objects.filter(wanted).order_by()
        while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
            total += WebhookDelivery.objects.filter(pk__in=ids).delete()[0]
            if time.monotonic() > ends:
                return total
    return total
