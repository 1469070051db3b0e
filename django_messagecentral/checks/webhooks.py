"""The door for delivery callbacks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.checks import CheckMessage

from django_messagecentral.checks.base import Check, error, setting, warning
from django_messagecentral.checks.verification import network_faults
from django_messagecentral.conf import Settings

SHORTEST_TOKEN: Final = 24  # characters
_MAKE_ONE: Final = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


def check_tokens(settings: Settings) -> Iterator[CheckMessage]:
    """The vendor signs nothing: the secret in the path is the only lock of that door."""
    if not settings.WEBHOOK_TOKENS:
        yield warning(
            3,
            f"{setting('WEBHOOK_TOKENS')} is empty: delivery callbacks are refused.",
            f"{_MAKE_ONE}, list it, and give the vendor the address of the webhook with it.",
        )
    for number, token in enumerate(settings.WEBHOOK_TOKENS, start=1):
        if len(token) < SHORTEST_TOKEN:
            yield error(
                24,
                f"Token {number} of {setting('WEBHOOK_TOKENS')} is shorter than {SHORTEST_TOKEN} characters.",
                f"{_MAKE_ONE}.",
            )
        elif not re.fullmatch(r"[A-Za-z0-9._~-]+", token):
            yield error(
                24,
                f"Token {number} of {setting('WEBHOOK_TOKENS')} holds characters that no address can carry.",
                f"{_MAKE_ONE}.",
            )


def check_addresses(settings: Settings) -> Iterator[CheckMessage]:
    yield from network_faults("WEBHOOK_ALLOWED_IPS", settings.WEBHOOK_ALLOWED_IPS)


def check_zone(settings: Settings) -> Iterator[CheckMessage]:
    try:
        ZoneInfo(settings.WEBHOOK_TIME_ZONE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield error(
            26,
            f"{setting('WEBHOOK_TIME_ZONE')} is no time zone: {settings.WEBHOOK_TIME_ZONE!r}.",
            'Write an IANA name such as "Asia/Kolkata" or "UTC".',
        )


CHECKS: Final[tuple[Check, ...]] = (check_tokens, check_addresses, check_zone)
