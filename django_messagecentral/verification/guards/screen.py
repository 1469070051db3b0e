"""Guards that need no counting: switches, countries, kinds of numbers, channels."""

from __future__ import annotations

import phonenumbers

from django_messagecentral.conf import app_settings
from django_messagecentral.verification.guards.verdict import Ask, Refused, Verdict
from django_messagecentral.verification.reasons import Reason

# SAUTH (silent authentication) is named by the vendor, its validation is documented nowhere.
CHANNELS = ("SMS", "WHATSAPP", "RCS")


def screen(ask: Ask) -> None:
    """Raise :class:`Refused` for what no waiting mends."""
    if not app_settings.SENDING_ENABLED:
        raise Refused(Verdict(Reason.SENDING_DISABLED))
    if ask.channel not in CHANNELS and not (ask.channel == "EMAIL" and ask.email):
        raise Refused(Verdict(Reason.UNSUPPORTED_CHANNEL, scope=ask.channel[:10]))
    allowed = app_settings.ALLOWED_COUNTRIES
    if allowed and ask.phone.region not in {country.upper() for country in allowed}:
        ask.refuse(Verdict(Reason.COUNTRY_NOT_ALLOWED, scope=ask.phone.region))
    kind = number_type(ask.phone.e164)
    if kind in app_settings.OTP_REFUSED_NUMBER_TYPES:
        ask.refuse(Verdict(Reason.NUMBER_TYPE_REFUSED, scope=kind))


def number_type(e164: str) -> str:
    """The name of the number's ``phonenumbers.PhoneNumberType``, e.g. "MOBILE"."""
    return str(phonenumbers.PhoneNumberType.to_string(phonenumbers.number_type(phonenumbers.parse(e164))))
