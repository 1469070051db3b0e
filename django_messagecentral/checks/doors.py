"""The doors beside the webhook: texts that people send, the unsubscribe link, the REST API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from django.core.checks import CheckMessage

from django_messagecentral.checks.base import Check, error, setting
from django_messagecentral.conf import Settings

INBOUND_NAMES: Final = ("phone", "text", "channel", "id")
THROTTLES: Final = ("read", "write", "send")


def check_inbound(settings: Settings) -> Iterator[CheckMessage]:
    """A misspelt name would be passed over, and everybody's STOP with it."""
    for name in settings.INBOUND_FIELDS:
        if name not in INBOUND_NAMES:
            yield error(
                33,
                f"{setting('INBOUND_FIELDS')} has the unknown name {name!r}.",
                f"Its names are {', '.join(INBOUND_NAMES)}; their values are your gateway's names.",
            )


def check_throttles(settings: Settings) -> Iterator[CheckMessage]:
    for name, rate in settings.API_THROTTLES.items():
        if name not in THROTTLES or not re.fullmatch(r"(\d+/(s|m|h|d)\w*)?", rate):
            yield error(
                34,
                f"{setting('API_THROTTLES')} cannot be used: {name!r}: {rate!r}.",
                f'Its names are {", ".join(THROTTLES)}, its rates are such as "300/min" or "" for none.',
            )


def check_unsubscribe(settings: Settings) -> Iterator[CheckMessage]:
    url = settings.UNSUBSCRIBE_URL
    parts = urlsplit(url)
    if url and (parts.scheme not in ("https", "http") or not parts.netloc or parts.query or parts.fragment):
        yield error(
            35,
            f"{setting('UNSUBSCRIBE_URL')} is no address that a link can begin with: {url!r}.",
            'Write where the site serves it, for example "https://www.example.com/messagecentral/unsubscribe/".',
        )


CHECKS: Final[tuple[Check, ...]] = (check_inbound, check_throttles, check_unsubscribe)
