"""Webhooks to the site's own subscribers."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final

from django.core.checks import CheckMessage

from django_messagecentral.checks.base import Check, error, setting, warning
from django_messagecentral.checks.verification import network_faults
from django_messagecentral.conf import Settings

METADATA: Final = ipaddress.ip_address("169.254.169.254")  # of the large clouds
LONGEST_TIMEOUT: Final = 60.0  # seconds


def check_networks(settings: Settings) -> Iterator[CheckMessage]:
    """A network wider than meant lets whoever may add an endpoint call this site's own machines."""
    yield from network_faults("OUTGOING_ALLOWED_NETWORKS", settings.OUTGOING_ALLOWED_NETWORKS)
    for text in settings.OUTGOING_ALLOWED_NETWORKS:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            continue
        if network.prefixlen == 0 or METADATA in network:
            yield warning(
                40,
                f"{setting('OUTGOING_ALLOWED_NETWORKS')} has {text!r}: webhooks may reach the machine there "
                "that gives out a cloud's credentials.",
                "Write the networks of the subscribers only, without 169.254.169.254.",
            )


def check_timeout(settings: Settings) -> Iterator[CheckMessage]:
    if settings.OUTGOING_TIMEOUT > LONGEST_TIMEOUT:
        yield error(
            41,
            f"{setting('OUTGOING_TIMEOUT')} is {settings.OUTGOING_TIMEOUT:g}: one slow subscriber would hold "
            "up the others.",
            f"Write at most {LONGEST_TIMEOUT:.0f} seconds.",
        )


CHECKS: Final[tuple[Check, ...]] = (check_networks, check_timeout)
