"""Quiet hours: promotional messages leave only by day, by the clock of the person who gets them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from django.utils import timezone
from django.utils.dateparse import parse_time
from phonenumbers import timezone as phone_zones

from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.models import MessageType

STEP = 900.0  # seconds after which a message held back is looked at again


# phonenumbers knows these countries, and for their numbers the zones of a whole shared code (+1, +7, +61):
# with the hours of Alaska, Jamaica would have half an hour a day. From IANA's zone.tab.
_ZONES_OF_REGION = {
    "AG": ("America/Antigua",),
    "AI": ("America/Anguilla",),
    "AS": ("Pacific/Pago_Pago",),
    "BB": ("America/Barbados",),
    "BM": ("Atlantic/Bermuda",),
    "BS": ("America/Nassau",),
    "CC": ("Indian/Cocos",),
    "CX": ("Indian/Christmas",),
    "DM": ("America/Dominica",),
    "GD": ("America/Grenada",),
    "JM": ("America/Jamaica",),
    "KN": ("America/St_Kitts",),
    "KY": ("America/Cayman",),
    "KZ": ("Asia/Almaty", "Asia/Aqtau", "Asia/Aqtobe", "Asia/Atyrau", "Asia/Oral", "Asia/Qyzylorda"),
    "LC": ("America/St_Lucia",),
    "MS": ("America/Montserrat",),
    "SX": ("America/Lower_Princes",),
    "TC": ("America/Grand_Turk",),
    "TT": ("America/Port_of_Spain",),
    "VC": ("America/St_Vincent",),
    "VG": ("America/Tortola",),
}


@lru_cache(maxsize=10_000)
def zones_of(phone: str) -> tuple[str, ...]:
    """The IANA zones a number (E.164) may be in; a country with several gives several."""
    number = phonenumbers.parse(phone)
    own = _ZONES_OF_REGION.get(phonenumbers.region_code_for_number(number) or "")
    zones: tuple[str, ...] = own or phone_zones.time_zones_for_number(number)
    return zones


def is_quiet(phone: str, at: datetime) -> bool:
    """Whether ``at`` lies outside the allowed hours in any zone the number may be in."""
    start, end = (parse_time(text) for text in app_settings.QUIET_HOURS_ALLOWED)
    if start is None or end is None:
        raise ValueError("QUIET_HOURS_ALLOWED must be two times such as ('10:00', '21:00')")
    for name in zones_of(phone):
        try:
            local = at.astimezone(ZoneInfo(name)).time()
        except (ZoneInfoNotFoundError, ValueError):
            local = timezone.localtime(at).time()  # "Etc/Unknown": the site's own zone
        if not start <= local < end:
            return True
    return False


def may_leave_now(phone: str, message_type: str) -> float:
    """0 if a message of this type may leave now, else seconds after which to look again."""
    if message_type != MessageType.PROMOTIONAL or not is_quiet(phone, timezone.now()):
        return 0.0
    return STEP
