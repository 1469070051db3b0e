"""The dict itself: is it one, are its names known, are its values of the right type and in range."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any, Final

from django.conf import settings as django_settings
from django.core.checks import CheckMessage

from django_messagecentral.checks.base import error, setting
from django_messagecentral.conf import SETTINGS_NAME, Settings

FIELDS: Final[Mapping[str, Field[Any]]] = {field.name: field for field in fields(Settings)}
SHARES: Final = frozenset({"OTP_COUNTRY_BUDGET_SHARE", "OTP_COUNTRY_LOW_RATE", "OTP_COUNTRY_LOW_SHARE"})
# beside those whose default is 0
MAY_BE_ZERO: Final = frozenset(
    {
        "MISSED_START_GRACE",
        "OTP_COUNTRY_LOW_AFTER",
        "OTP_COUNTRY_LOW_RATE",
        "OTP_COUNTRY_LOW_SHARE",
        "OUTGOING_RETENTION_DAYS",
    }
)
_COMMA: Final = ' A single item needs a comma: ("one",).'


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_int(value) or (isinstance(value, float) and math.isfinite(value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _all(test: Callable[[object], bool], value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(map(test, value))


# annotation in Settings -> (test, what to write instead)
TYPES: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "str": (_is_text, "text"),
    "int": (_is_int, "a whole number"),
    "float": (_is_number, "a number"),
    "bool": (lambda value: isinstance(value, bool), "True or False"),
    "tuple[str, ...]": (lambda value: _all(_is_text, value), "a list of texts." + _COMMA),
    "tuple[int, ...]": (lambda value: _all(_is_int, value), "a list of whole numbers." + _COMMA),
    "tuple[str, str]": (lambda value: _all(_is_text, value) and len(value) == 2, "two texts in a list"),  # type: ignore[arg-type]
    "Mapping[str, str]": (
        lambda value: isinstance(value, Mapping) and all(map(_is_text, [*value, *value.values()])),
        "a dict of texts",
    ),
}


def check() -> tuple[Settings, list[CheckMessage], list[str]]:
    """The settings, with the default in place of each value that cannot be used; what is wrong; and the names
    of the settings that it is wrong with."""
    given = getattr(django_settings, SETTINGS_NAME, {})
    if not isinstance(given, Mapping):
        fault = error(
            1,
            f"{SETTINGS_NAME} is not a dict.",
            f'Write {SETTINGS_NAME} = {{"CUSTOMER_ID": "C-...", "PASSWORD": ...}} in the settings.',
        )
        return Settings(), [fault], []
    messages: list[CheckMessage] = []
    faulty: list[str] = []
    usable: dict[str, Any] = {}
    for name, value in given.items():
        found = _fault(name, value)
        if found is None:
            usable[name] = tuple(value) if isinstance(value, list) else value
        else:
            messages.append(found)
            faulty.append(str(name))
    return Settings(**usable), messages, faulty


def _fault(name: object, value: object) -> CheckMessage | None:
    if not isinstance(name, str) or name not in FIELDS:
        return error(2, f"{SETTINGS_NAME} has the unknown setting {name!r}.", _did_you_mean(name))
    test, wanted = TYPES[str(FIELDS[name].type)]
    if not test(value):
        hint = f"Write {wanted.rstrip('.')}."
        if value is None:
            hint += " None often means that an environment variable is not set; leave the name out otherwise."
        return error(3, f"{setting(name)} is of the wrong type ({type(value).__name__}).", hint)
    return _range_fault(name, value)


def _range_fault(name: str, value: Any) -> CheckMessage | None:
    numbers = [each for each in (value if isinstance(value, (list, tuple)) else [value]) if _is_number(each)]
    lowest = min(numbers, default=None)
    if lowest is None:
        return None
    zero_allowed = name in MAY_BE_ZERO or FIELDS[name].default == 0
    if lowest < 0 or (lowest == 0 and not zero_allowed):
        wanted = "0 or more" if zero_allowed else "more than 0"
        return error(4, f"{setting(name)} is {lowest}.", f"Write a number that is {wanted}.")
    if name in SHARES and lowest > 1:
        return error(4, f"{setting(name)} is {lowest}.", "Write a share between 0 and 1, for example 0.5.")
    return None


def _did_you_mean(name: object) -> str:
    close = difflib.get_close_matches(str(name).upper(), FIELDS, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]}?"
    return "Remove it, or look for its name in the settings reference."
