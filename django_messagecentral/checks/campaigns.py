"""Dispatch: leases and quiet hours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.core.checks import CheckMessage
from django.utils.dateparse import parse_time

from django_messagecentral.checks.base import Check, error, setting
from django_messagecentral.conf import Settings


def check_lease(settings: Settings) -> Iterator[CheckMessage]:
    longest_call = settings.CONNECT_TIMEOUT + settings.READ_TIMEOUT
    if longest_call >= settings.LEASE:
        yield error(
            27,
            f"{setting('LEASE')} is {settings.LEASE:g} seconds, but one call may last {longest_call:g}.",
            "Make it longer than CONNECT_TIMEOUT and READ_TIMEOUT together, or these shorter: "
            "a message whose lease ends while it is being sent stays unconfirmed.",
        )


def check_quiet_hours(settings: Settings) -> Iterator[CheckMessage]:
    try:
        start, end = (parse_time(text) for text in settings.QUIET_HOURS_ALLOWED)
    except ValueError:  # 25:00
        start = end = None
    if start is None or end is None or start >= end:
        yield error(
            28,
            f"{setting('QUIET_HOURS_ALLOWED')} is not two times of one day, the earlier first.",
            'Write for example ("10:00", "21:00"): promotional messages leave only between these.',
        )


def check_currency(settings: Settings) -> Iterator[CheckMessage]:
    currency = settings.CURRENCY
    if not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        yield error(32, f"{setting('CURRENCY')} is no currency code.", 'Write three capitals: "USD".')


CHECKS: Final[tuple[Check, ...]] = (check_lease, check_quiet_hours, check_currency)
