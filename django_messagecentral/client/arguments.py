"""Values refused before the wire, because the vendor's document does not allow them."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final, TypeVar

from django_messagecentral.exceptions import InvalidArgument

OTP_LENGTHS: Final = range(4, 9)  # digits (vendor document, Send OTP)
_COUNTRY_CODE: Final = re.compile(r"[1-9][0-9]{0,3}")
_NATIONAL_NUMBER: Final = re.compile(r"[0-9]{3,15}")

Choice = TypeVar("Choice", bound=StrEnum)


def choice(kind: type[Choice], value: str, name: str) -> Choice:
    """``value`` as a member of ``kind``, in any case."""
    if isinstance(value, str) and value.upper() in kind.__members__:
        return kind[value.upper()]
    raise InvalidArgument(f"{name} is one of {', '.join(kind.__members__)}")


def country_code(value: str) -> str:
    """Digits without a plus: "91"."""
    text = str(value).removeprefix("+")
    if not _COUNTRY_CODE.fullmatch(text):
        raise InvalidArgument("country_code is a dialling code in digits, for example 91")
    return text


def national_number(value: str) -> str:
    """Digits without the country code (seen in public clients: the vendor wants it so)."""
    text = str(value)
    if not _NATIONAL_NUMBER.fullmatch(text):
        raise InvalidArgument("mobile_number is the national number in digits, without the country code")
    return text


def otp_length(value: int | None) -> list[tuple[str, str]]:
    if value is None:
        return []
    if isinstance(value, bool) or value not in OTP_LENGTHS:
        raise InvalidArgument("otp_length is 4 to 8 digits")
    return [("otpLength", str(value))]


def text(value: str, name: str) -> str:
    """Not empty, and storable as UTF-8."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidArgument(f"{name} is missing")
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise InvalidArgument(f"{name} holds characters that cannot be sent")
    return value


def optional(value: str | None, name: str, parameter: str) -> list[tuple[str, str]]:
    """The query parameter, or none when ``value`` is empty."""
    return [(parameter, text(value, name))] if value else []
