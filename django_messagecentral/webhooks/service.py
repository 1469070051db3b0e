"""What can be done with endpoints and deliveries. The admin and the REST API come through here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from django_messagecentral.db import database_for, in_transaction, locked
from django_messagecentral.webhooks import signing
from django_messagecentral.webhooks.calling import call_worker
from django_messagecentral.webhooks.models import TEST, WebhookDelivery, WebhookEndpoint
from django_messagecentral.webhooks.outbox import forget_subscribers, publish

OVERLAP = timedelta(hours=24)  # for which a rotated secret stays valid


def create_endpoint(url: str, events: Iterable[str], **fields: Any) -> tuple[WebhookEndpoint, str]:
    """A new endpoint, and its secret, which is never shown again. Raises ``ValidationError``."""
    endpoint = WebhookEndpoint(url=url, events=list(events), keys=[signing.new_key()], **fields)
    endpoint.full_clean()
    endpoint.save()
    return endpoint, signing.secret_of(endpoint.keys[0])


def change_endpoint(endpoint: WebhookEndpoint, **fields: Any) -> WebhookEndpoint:
    """Change ``fields``. Enabling it begins anew: what waits for it is due at once. Raises
    ``ValidationError``.
    """
    for name, value in fields.items():
        setattr(endpoint, name, value)
    if fields.get("enabled"):
        fresh: dict[str, Any] = dict.fromkeys(("failing_since", "blocked_until"))
        fields |= {"disabled_reason": "", "failures": 0, **fresh}
    endpoint.full_clean(exclude=["keys"])
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**fields)
    endpoint.refresh_from_db()
    using = database_for(WebhookEndpoint)
    transaction.on_commit(forget_subscribers, using=using, robust=True)
    transaction.on_commit(call_worker, using=using, robust=True)
    return endpoint


@in_transaction(WebhookEndpoint)
def rotate_secret(endpoint: WebhookEndpoint, overlap: timedelta = OVERLAP) -> str:
    """A new secret, never shown again; the ones before stay valid for ``overlap``, and bodies are signed by
    each of them meanwhile.
    """
    row = locked(WebhookEndpoint.objects.filter(pk=endpoint.pk)).get()
    row.keys = signing.rotated(row.keys, timezone.now(), overlap)
    row.save(update_fields=["keys"])
    endpoint.keys = row.keys
    return signing.secret_of(row.keys[0])


def send_test(endpoint: WebhookEndpoint) -> None:
    """Put a ``webhook.test`` event into the outbox, for this endpoint alone."""
    fact = {"id": str(endpoint.public_id), "at": timezone.now()}
    publish(TEST, lambda: [fact], endpoints=[endpoint.pk])


def replay(deliveries: QuerySet[WebhookDelivery]) -> int:
    """Send them again, with the ids they had; how many. Those that wait already are due at once."""
    ids = list(deliveries.filter(claim__isnull=True).values_list("pk", flat=True))
    again = WebhookDelivery.objects.filter(pk__in=ids, claim__isnull=True)
    count = again.update(
        state=WebhookDelivery.State.PENDING, attempts=0, next_try_at=timezone.now(), finished_at=None
    )
    if count:
        using = database_for(WebhookDelivery)
        transaction.on_commit(call_worker, using=using, robust=True)
    return count
