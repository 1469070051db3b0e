"""Promotional messages leave by day, by the clock of whoever gets them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import available_timezones

import phonenumbers
import pytest

from django_messagecentral.messaging.quiet_hours import _ZONES_OF_REGION, is_quiet, zones_of


def quiet_minutes(phone: str) -> int:
    day = datetime(2026, 3, 10, tzinfo=UTC)
    return sum(15 for n in range(96) if is_quiet(phone, day + timedelta(minutes=15 * n)))


@pytest.mark.parametrize(
    ("phone", "hour", "quiet"),
    [
        ("+919876543210", 4, True),  # 9:30 in India
        ("+919876543210", 5, False),
        ("+18764221234", 15, False),  # 10:00 in Jamaica, 6:00 in Alaska
        ("+18764221234", 14, True),
        ("+12128765432", 15, False),  # 11:00 in New York in March
        ("+5511961234567", 13, False),
    ],
)
def test_by_the_clock_of_the_number(phone: str, hour: int, quiet: bool) -> None:
    assert is_quiet(phone, datetime(2026, 3, 10, hour, tzinfo=UTC)) is quiet


def test_every_country_has_most_of_its_day() -> None:
    """11 hours where there is one clock; Russia's and Australia's numbers must suit all of their zones."""
    for region in phonenumbers.SUPPORTED_REGIONS - {"RU", "US", "CA"}:
        kind = phonenumbers.PhoneNumberType.MOBILE
        number = phonenumbers.example_number_for_type(region, kind) or phonenumbers.example_number(region)
        phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        assert 24 * 60 - quiet_minutes(phone) >= 6 * 60, (region, zones_of(phone))


def test_the_own_zones_exist() -> None:
    assert {zone for zones in _ZONES_OF_REGION.values() for zone in zones} <= available_timezones()
