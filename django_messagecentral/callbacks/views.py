"""The webhooks: ``POST .../webhook/<token>/`` with the vendor's delivery reports, ``POST
.../inbound/<token>/`` with texts that people send.

The vendor signs nothing, so the URL carries a long random token of the site's own (several may live
during a rotation), compared in constant time; it may come in the header ``X-Messagecentral-Token`` instead.
"""

from __future__ import annotations

from typing import Any

from django_messagecentral.callbacks import inbound
from django_messagecentral.callbacks.doors import SecretDoor
from django_messagecentral.callbacks.receiving import receive


class WebhookView(SecretDoor):
    """Stores the report and answers in one insert's time; a Celery task makes something of it."""

    def store(self, payload: Any, remote_ip: str | None) -> int:
        return receive(payload, remote_ip=remote_ip)


class InboundView(SecretDoor):
    """Stores the text and obeys its keyword at once. Takes forms too: many gateways post those."""

    takes_forms = True

    def store(self, payload: Any, remote_ip: str | None) -> int:
        return inbound.receive(payload)
