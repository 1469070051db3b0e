"""Prometheus metrics in the site's own registry, if ``prometheus-client`` is installed; else nothing.

How they are scraped is the site's matter (``django-prometheus``, ``prometheus_client.multiprocess``, ...):
every web process and worker counts what it does itself. No label holds a phone or an id.

``messagecentral_message_changes_total{old, new, cause}``
    Changes of messages' statuses.
``messagecentral_callbacks_total{status}``
    Delivery reports stored; ``status`` is ``other`` for a word this version does not know.
``messagecentral_delivery_seconds``
    From the carrier's submit time to its done-time, of delivered reports.
``messagecentral_campaigns_completed_total``, ``messagecentral_budget_spent_total``,
``messagecentral_inbound_total{action}``
    What their names say.

Gauges of what waits in the database are in :mod:`~django_messagecentral.gauges`.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

from django.dispatch import Signal

from django_messagecentral import signals

BUCKETS = (1, 2, 5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400)
_UID = "django_messagecentral.metrics"


def connect() -> bool:
    """Count from now on; whether ``prometheus-client`` is there. Called once, by the app's ``ready``."""
    if importlib.util.find_spec("prometheus_client") is None:
        return False
    from prometheus_client import REGISTRY, Counter, Histogram

    from django_messagecentral.gauges import StateCollector

    changes = Counter(
        "messagecentral_message_changes", "Changes of messages' statuses", ["old", "new", "cause"]
    )
    callbacks = Counter("messagecentral_callbacks", "Delivery reports stored", ["status"])
    seconds = Histogram("messagecentral_delivery_seconds", "Submitted to delivered", buckets=BUCKETS)
    campaigns = Counter("messagecentral_campaigns_completed", "Campaigns completed")
    budgets = Counter("messagecentral_budget_spent", "Budgets spent")
    inbound = Counter("messagecentral_inbound", "Texts that people sent", ["action"])

    def on_change(change: Any, **_: Any) -> None:
        changes.labels(change.old, change.new, change.cause.value).inc()

    def on_callback(event: Any, **_: Any) -> None:
        callbacks.labels(event.status.value if event.status else "other").inc()
        if event.status == "delivered" and event.submitted_at and event.done_at:
            seconds.observe(max(0.0, (event.done_at - event.submitted_at).total_seconds()))

    def on_inbound(message: Any, **_: Any) -> None:
        inbound.labels(message.action or "none").inc()

    listeners: dict[Signal, Callable[..., Any]] = {
        signals.message_status_changed: on_change,
        signals.callback_received: on_callback,
        signals.inbound_received: on_inbound,
        signals.campaign_completed: lambda **_: campaigns.inc(),
        signals.budget_spent: lambda **_: budgets.inc(),
    }
    for signal, listener in listeners.items():
        signal.connect(listener, weak=False, dispatch_uid=_UID)
    REGISTRY.register(StateCollector())
    return True
