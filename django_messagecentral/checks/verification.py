"""Codes: how they are made, how long, and for whom exceptions are made."""

from __future__ import annotations

import ipaddress
import string
from collections.abc import Iterator
from typing import Final

import phonenumbers
from django.core.checks import CheckMessage

from django_messagecentral.checks.base import Check, error, setting, warning
from django_messagecentral.client.arguments import OTP_LENGTHS
from django_messagecentral.client.codes import FlowType
from django_messagecentral.conf import MAX_REVIEWERS, Settings
from django_messagecentral.phones import InvalidPhone, parse_phone

_MODES: Final = ("vendor", "own")
_LONGEST_LIFE: Final = 600  # seconds; NIST SP 800-63B's bound for out-of-band codes


def check_mode(settings: Settings) -> Iterator[CheckMessage]:
    if settings.OTP_MODE not in _MODES:
        yield error(
            17,
            f"{setting('OTP_MODE')} is unknown: {settings.OTP_MODE!r}.",
            'Write "vendor" (VerifyNow makes and checks the code) or "own" (this site does).',
        )
    if settings.OTP_MODE == "own" and "SMS" in settings.OTP_CHANNELS and not settings.SENDER_ID:
        yield error(
            14,
            f'{setting("OTP_MODE")} is "own", but {setting("SENDER_ID")} is empty.',
            "Set the sender ID that the carrier has approved: the vendor sends no SMS without one.",
        )


def check_channels(settings: Settings) -> Iterator[CheckMessage]:
    if not settings.OTP_CHANNELS:
        yield error(18, f"{setting('OTP_CHANNELS')} is empty.", 'List at least one, for example ["SMS"].')
    if FlowType.SAUTH in settings.OTP_CHANNELS:
        yield error(
            18,
            f"{setting('OTP_CHANNELS')} holds SAUTH, whose validation the vendor does not document.",
            "Remove it. The client passes it through for those who have an agreement with the vendor.",
        )


def check_length(settings: Settings) -> Iterator[CheckMessage]:
    if settings.OTP_LENGTH not in OTP_LENGTHS:
        yield error(
            16,
            f"{setting('OTP_LENGTH')} is {settings.OTP_LENGTH}.",
            "The vendor makes codes of 4 to 8 digits.",
        )
    elif settings.OTP_LENGTH < 6:
        yield warning(
            12,
            f"{setting('OTP_LENGTH')} is {settings.OTP_LENGTH}: short codes are easily guessed.",
            "Write 6 or more, as NIST SP 800-63B asks.",
        )


def check_life(settings: Settings) -> Iterator[CheckMessage]:
    if settings.OTP_MAX_LIFE > _LONGEST_LIFE:
        yield warning(
            9,
            f"{setting('OTP_MAX_LIFE')} is {settings.OTP_MAX_LIFE} seconds.",
            f"Write {_LONGEST_LIFE} or less: NIST SP 800-63B lets no code live longer than ten minutes.",
        )


def check_template(settings: Settings) -> Iterator[CheckMessage]:
    try:
        names = [
            name for _, name, _, _ in string.Formatter().parse(settings.OTP_TEMPLATE) if name is not None
        ]
        usable = (
            "code" in names and set(names) == {"code"} and bool(settings.OTP_TEMPLATE.format(code="123456"))
        )
    except (ValueError, LookupError):
        usable = False
    if not usable:
        yield error(
            19,
            f"{setting('OTP_TEMPLATE')} cannot carry a code.",
            'Write the approved text with {code} in it and no other field: "{code} is your code." '
            "A brace of the text itself is written twice.",
        )


def check_number_types(settings: Settings) -> Iterator[CheckMessage]:
    known = sorted(name for name in vars(phonenumbers.PhoneNumberType) if name.isupper())
    for name in settings.OTP_REFUSED_NUMBER_TYPES:
        if name not in known:
            yield error(
                30,
                f"{setting('OTP_REFUSED_NUMBER_TYPES')} has the unknown type {name!r}.",
                f"Write names of phonenumbers.PhoneNumberType: {', '.join(known)}.",
            )


def check_proxies(settings: Settings) -> Iterator[CheckMessage]:
    yield from network_faults("TRUSTED_PROXIES", settings.TRUSTED_PROXIES)
    for network in settings.TRUSTED_PROXIES:
        if network.endswith("/0"):
            yield warning(
                13,
                f"{setting('TRUSTED_PROXIES')} holds {network}: everybody's X-Forwarded-For is believed.",
                "List the networks of your own proxies only, or limits by address can be walked around.",
            )


def network_faults(name: str, networks: tuple[str, ...]) -> Iterator[CheckMessage]:
    for network in networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            yield error(
                25,
                f"{setting(name)} has {network!r}, which is no address or network.",
                'Write addresses or networks, for example "203.0.113.7" or "10.0.0.0/8".',
            )


def check_reviewers(settings: Settings) -> Iterator[CheckMessage]:
    """A fixed code is a door without a lock; it must be seen at every start."""
    for number, (phone, code) in enumerate(settings.OTP_REVIEWER_NUMBERS.items(), start=1):
        try:
            well_written = parse_phone(phone).e164 == phone
        except InvalidPhone:
            well_written = False
        if not well_written:
            yield error(
                29,
                f"Number {number} of {setting('OTP_REVIEWER_NUMBERS')} is no phone number in E.164.",
                'Write it with + and its country code, without spaces: "+919876543210".',
            )
        if not (code.isascii() and code.isdecimal() and len(code) in OTP_LENGTHS):
            yield error(
                29,
                f"The code of number {number} in {setting('OTP_REVIEWER_NUMBERS')} is not 4 to 8 digits.",
                'Write digits only, for example "135790".',
            )
    if len(settings.OTP_REVIEWER_NUMBERS) > MAX_REVIEWERS:
        yield error(
            29,
            f"{setting('OTP_REVIEWER_NUMBERS')} names more than {MAX_REVIEWERS} numbers: none is served.",
            f"Name {MAX_REVIEWERS} at most: each is a door without a lock.",
        )
    if count := len(settings.OTP_REVIEWER_NUMBERS):
        yield warning(
            5,
            f"{count} PHONE NUMBER(S) ARE VERIFIED BY A FIXED CODE: whoever knows it is let in as that "
            "number, without any message being sent.",
            f"Remove {setting('OTP_REVIEWER_NUMBERS')} as soon as the app store's review is over.",
        )


def check_dry_run(settings: Settings) -> Iterator[CheckMessage]:
    if settings.OTP_DRY_RUN:
        yield warning(
            8,
            f"{setting('OTP_DRY_RUN')} is True: the guards against abuse refuse nothing.",
            "Set it to False once the log shows that they would refuse nobody wrongly.",
        )


CHECKS: Final[tuple[Check, ...]] = (
    check_mode,
    check_channels,
    check_length,
    check_life,
    check_template,
    check_number_types,
    check_proxies,
    check_reviewers,
    check_dry_run,
)
