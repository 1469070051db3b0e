"""Signatures by Standard Webhooks: HMAC-SHA256 over ``<id>.<timestamp>.<body>``, named ``v1``.

A secret is not stored. It is derived from a random salt of the endpoint and the site's SECRET_KEY, so a copy
of the database signs nothing. When SECRET_KEY changes, put the old one into SECRET_KEY_FALLBACKS: until it is
taken out, every body carries a signature by each, and subscribers go on with the secrets they have.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.crypto import salted_hmac

PREFIX = "whsec_"
_PURPOSE = "django_messagecentral.webhooks"

Key = Mapping[str, Any]


def new_key() -> dict[str, Any]:
    """A key that is valid until it is rotated."""
    return {"salt": secrets.token_hex(16), "until": None}


def rotated(keys: Iterable[Key], now: datetime, overlap: timedelta) -> list[dict[str, Any]]:
    """``keys`` with a new one before them; the others end after ``overlap`` at the latest."""
    ends = now + overlap
    kept = [
        {"salt": key["salt"], "until": min(_until(key) or ends, ends).isoformat()}
        for key in living(keys, now)
        if overlap
    ]
    return [new_key(), *kept]


def living(keys: Iterable[Key], now: datetime) -> list[Key]:
    """Those that are valid now."""
    return [key for key in keys if (ends := _until(key)) is None or ends > now]


def secret_of(key: Key) -> str:
    """What the subscriber is given: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(_raw(key, settings.SECRET_KEY)).decode()


def signed_headers(message_id: str, body: str, keys: Iterable[Key], now: datetime) -> dict[str, str]:
    """The three headers of the specification, with a signature for each valid secret."""
    stamp = str(int(now.timestamp()))
    content = f"{message_id}.{stamp}.{body}".encode()
    signatures = [
        "v1," + base64.b64encode(hmac.new(_raw(key, site), content, hashlib.sha256).digest()).decode()
        for key in living(keys, now)
        for site in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(signatures),
    }


def _raw(key: Key, site: str | bytes) -> bytes:
    return salted_hmac(_PURPOSE, key["salt"], secret=site, algorithm="sha256").digest()


def _until(key: Key) -> datetime | None:
    return datetime.fromisoformat(key["until"]) if key["until"] else None
