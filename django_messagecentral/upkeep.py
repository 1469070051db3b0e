"""The slow housekeeping: spending merged, budgets watched, old data purged, and a sign of life left.

Beat runs it every minute (:data:`~django_messagecentral.tasks.BEAT_SCHEDULE`). The fast one, which keeps
messages moving, is the sweep.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from celery import shared_task

from django_messagecentral.messaging import budgets, spending
from django_messagecentral.messaging.markers import UPKEEP, set_marker
from django_messagecentral.privacy import retention
from django_messagecentral.webhooks import retention as webhook_retention

logger = logging.getLogger("django_messagecentral.upkeep")

PURGE_SECONDS = 15.0  # of each run

STEPS: dict[str, Callable[[], object]] = {
    "sign of life": partial(set_marker, UPKEEP),
    "merge spending": spending.merge,
    "watch budgets": budgets.watch,
    "purge webhooks": webhook_retention.purge,
    "purge": partial(retention.purge, seconds=PURGE_SECONDS),
}


@shared_task(name="django_messagecentral.upkeep", ignore_result=True)
def upkeep() -> None:
    """Every step once; one that fails does not stop the others. Safe when run twice at once."""
    for name, step in STEPS.items():
        try:
            step()
        except Exception:
            logger.exception("upkeep step %r failed", name)
