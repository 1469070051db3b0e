"""Phone numbers: any spelling a person or a spreadsheet produces -> E.164, the vendor's pair, a masked form.

Inside the app a number is E.164 text ("+919876543210"). The verdict "is this a number" is the phonenumbers
library's (``is_valid_number``) and nobody else's; this module only undoes what keyboards and spreadsheets do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, ValidationResult

from django_messagecentral import numbering
from django_messagecentral.countries import dialling_code_of, resolve_country
from django_messagecentral.exceptions import gettext_noop

_MASK: Final = "•"
_MAX_LENGTH: Final = 250  # characters; the phonenumbers library reads no more
_MAX_LOST_DIGITS: Final = 3  # "9.19876E+11" has lost the end of the number; "9.19876543e11" ends in zeros
_FLOAT_TEXT = re.compile(r"\+?\d+\.0*")
_SCIENTIFIC = re.compile(r"\+?(\d)(?:[.,](\d+))?[eE]\+?(\d{1,2})")
_E164 = re.compile(r"\+[1-9]\d{4,14}")

_REASONS: Final = {
    "empty": gettext_noop("There is no phone number."),
    "no_country": gettext_noop("Write the number with its country code, for example +919876543210."),
    "not_a_number": gettext_noop("This is not a phone number."),
    "shortened": gettext_noop(
        "The spreadsheet has shortened this number and its last digits are lost. "
        "Format the column as text and enter the number again."
    ),
    "too_short": gettext_noop("This number has too few digits."),
    "too_long": gettext_noop("This number has too many digits."),
    "invalid": gettext_noop(
        "No such number exists in its country. Check the digits, or write it with + and its country code."
    ),
    "country_mismatch": gettext_noop("The number's country code is not the one in the country column."),
    "unknown_country": gettext_noop(
        "This country is not known. Use a dialling code (91), an ISO code (IN) or an English name."
    ),
    "unknown_code": gettext_noop("The number begins with a country code that does not exist."),
}
# a reason may be more exact than the slug that programs look at
_SLUGS: Final = {"shortened": "not_a_number", "unknown_code": "unknown_country"}


class InvalidPhone(ValueError):
    """``code``: a stable slug (empty, no_country, not_a_number, too_short, too_long, invalid,
    country_mismatch, unknown_country). ``reason``: an English sentence that says what to do, translated with
    ``gettext(error.reason)``; it never repeats the number."""

    def __init__(self, reason_key: str) -> None:
        self.code = _SLUGS.get(reason_key, reason_key)
        self.reason = _REASONS[reason_key]
        self._key = reason_key
        super().__init__(self.reason)

    def __reduce__(self) -> tuple[type[InvalidPhone], tuple[str]]:
        return type(self), (self._key,)


@dataclass(frozen=True, slots=True)
class Phone:
    """A valid number. ``national_number`` is the vendor's form, Italian leading zeros kept."""

    e164: str
    country_code: str
    national_number: str
    region: str  # ISO 3166, or "001" for numbers that belong to no country

    def __repr__(self) -> str:
        return f"Phone({mask_phone(self.e164)!r})"


def parse_phone(raw: object, *, region: str = "", country: object = "") -> Phone:
    """Read ``raw`` (text, int, float or Decimal, in any spelling) as a phone number.

    ``country`` is what the sheet's Country column holds: a dialling code (91, "+91", 91.0), an ISO code or an
    English name. Without it, ``region`` (ISO 3166) is where a number without a country code belongs; without
    both, the number must carry its own. Raises :class:`InvalidPhone`.
    """
    text = _as_text(raw)
    if not text:
        raise InvalidPhone("empty")
    found = _country(country) if country != "" else None
    if plain := _plain_number(text, region, found):
        return plain
    if found:
        return _first_valid(_readings_in_country(text, *found), calling_code=found[0])
    return _first_valid(_readings(text, region.strip().upper()))


def vendor_pair(e164: str) -> tuple[str, str]:
    """The wire's (countryCode, mobileNumber): ("91", "9876543210"). Raises :class:`InvalidPhone`."""
    number = _parse(e164, None)
    return str(number.country_code), phonenumbers.national_significant_number(number)


def mask_phone(e164: str) -> str:
    """ "+91••••••3210": the dialling code and the last four digits (fewer of a short number) stay visible."""
    if not isinstance(e164, str) or not _E164.fullmatch(e164):
        return _MASK * 6
    code = dialling_code_of(e164[1:])
    if not code:
        return _MASK * 6
    national = e164[1 + len(code) :]
    visible = min(4, max(0, (len(national) - 2) // 2))
    return f"+{code}{_MASK * (len(national) - visible)}{national[len(national) - visible :]}"


def mask_numbers_in(text: str) -> str:
    """``text`` with every phone number (E.164) in it masked."""
    return re.sub(r"\+\d{5,15}", lambda found: mask_phone(found.group()), text)


def from_vendor(mobile: str) -> str | None:
    """E.164 of a callback's ``mobile`` ("919999999999": country code, no plus); None if it cannot be one."""
    digits = _as_text_or_nothing(mobile).lstrip("+").removeprefix("00")
    if not digits.isdecimal():
        return None
    if digits.isascii() and (plain := numbering.read_international(digits)):
        return f"+{plain.country_code}{plain.national}"
    try:
        number = _parse(f"+{digits}", None)
    except InvalidPhone:
        return None
    return _e164(number) if phonenumbers.is_possible_number(number) else None


def _plain_number(text: str, region: str, country: tuple[int, str] | None) -> Phone | None:
    """The number of a text that is nothing but digits, or a plus and digits, where the library's answer
    is known without asking it: the likeliest reading is valid. None leaves the question to the library.
    """
    digits = text[1:] if text[0] == "+" else text
    if not (digits.isascii() and digits.isdecimal()):
        return None
    if digits is not text:
        number = numbering.read_international(digits)
    elif country is None:
        region = region.strip().upper()
        number = numbering.read_national(digits, region) if region else numbering.read_international(digits)
    elif country[1] == numbering.NON_GEOGRAPHIC:
        number = numbering.read_international(f"{country[0]}{digits}")
    else:
        number = numbering.read_national(digits, country[1])
    if number is None or (country is not None and number.country_code != str(country[0])):
        return None
    return Phone(
        f"+{number.country_code}{number.national}", number.country_code, number.national, number.region
    )


# -- reading -----------------------------------------------------------------------------------------


def _country(cell: object) -> tuple[int, str] | None:
    """Dialling code and main region; None for an empty cell."""
    return _country_of_text(cell) if isinstance(cell, str) else _country_of(cell)


@lru_cache(maxsize=1024)  # a sheet has a million rows and a handful of countries
def _country_of_text(text: str) -> tuple[int, str] | None:
    return _country_of(text)


def _country_of(cell: object) -> tuple[int, str] | None:
    try:
        text = _as_text(cell)
    except InvalidPhone:
        raise InvalidPhone("unknown_country") from None
    found = resolve_country(text) if text else None
    if text and found is None:
        raise InvalidPhone("unknown_country")
    return found


def _as_text_or_nothing(raw: object) -> str:
    try:
        return _as_text(raw)
    except InvalidPhone:
        return ""


def _as_text(raw: object) -> str:
    """The digits a person meant: ints and floats without ``.0`` or exponent, text without invisible marks."""
    if raw is None:
        return ""
    if isinstance(raw, bool) or not isinstance(raw, (str, int, float, Decimal)):
        raise InvalidPhone("not_a_number")
    if isinstance(raw, str):
        return _clean(raw)
    try:
        number = Decimal(raw)
        whole = number == number.to_integral_value() and 0 <= number < 10**20
    except (InvalidOperation, ValueError):
        whole = False
    if not whole:
        raise InvalidPhone("not_a_number")
    return str(int(number))


def _clean(raw: str) -> str:
    if len(raw) > _MAX_LENGTH:
        raise InvalidPhone("too_long")
    if raw.isascii() and raw.isdecimal():
        return raw
    text = unicodedata.normalize("NFKC", raw)  # full-width digits and NBSP become plain ones
    text = "".join(_plain(char) for char in text).strip()
    text = text.lstrip("'’‘`\"").rstrip("'’‘`\"").strip()  # Excel's "this is text" mark, CSV quotes
    if _FLOAT_TEXT.fullmatch(text):
        return text.partition(".")[0]
    scientific = _SCIENTIFIC.fullmatch(text)
    return _expand(scientific) if scientific else text


def _plain(char: str) -> str:
    """ASCII for any script's digit, nothing for invisible marks (zero width, direction, control)."""
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    category = unicodedata.category(char)
    if category == "Cf":
        return ""
    return " " if category in ("Cc", "Zl", "Zp", "Zs") else char


def _expand(scientific: re.Match[str]) -> str:
    """ "9.19876543210e11" -> "919876543210". Digits that a spreadsheet has rounded away cannot come back."""
    digits = scientific[1] + (scientific[2] or "")
    wanted = int(scientific[3]) + 1
    surplus = digits[wanted:]
    if surplus.strip("0") or wanted > 20:
        raise InvalidPhone("not_a_number")
    if wanted - len(digits) > _MAX_LOST_DIGITS:
        raise InvalidPhone("shortened")
    return digits[:wanted].ljust(wanted, "0")


def _readings(text: str, region: str) -> Iterator[tuple[str, str | None]]:
    """What ``text`` may mean without a country column, likeliest first."""
    if region:
        yield text, region
    elif text.startswith("+") or not text[0].isdecimal():
        yield text, None
    elif not text.startswith("00"):
        yield text, None  # never valid, but its fault ("no country") is the one to tell
        yield f"+{text}", None
    if text.startswith("00"):
        yield f"+{text[2:].lstrip()}", None


def _readings_in_country(text: str, code: int, region: str) -> Iterator[tuple[str, str | None]]:
    """What ``text`` may mean in the country of dialling code ``code``, likeliest first."""
    if text.startswith("+"):
        yield text, None
        return
    if region == "001":  # numbers of no country have no national form that the library could parse
        yield f"+{code}{text}", None
    else:
        yield text, region
    if text.startswith("00"):
        yield f"+{text[2:].lstrip()}", None
    elif text.startswith(str(code)):
        yield f"+{text}", None


def _first_valid(readings: Iterator[tuple[str, str | None]], calling_code: int | None = None) -> Phone:
    """The first reading that is a valid number; else the first reading's fault."""
    fault: InvalidPhone | None = None
    for text, region in readings:
        try:
            number = _parse(text, region)
            _require_valid(number)
        except InvalidPhone as error:
            fault = fault or error
            continue
        if calling_code is not None and number.country_code != calling_code:
            raise InvalidPhone("country_mismatch")
        return _phone(number)
    raise fault or InvalidPhone("not_a_number")


_PARSE_FAULTS: Final = {
    NumberParseException.TOO_SHORT_AFTER_IDD: "too_short",
    NumberParseException.TOO_SHORT_NSN: "too_short",
    NumberParseException.TOO_LONG: "too_long",
}


def _parse(text: str, region: str | None) -> PhoneNumber:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise InvalidPhone("unknown_code" if text.startswith("+") else "no_country") from None
        raise InvalidPhone(_PARSE_FAULTS.get(error.error_type, "not_a_number")) from None


_LENGTH_FAULTS: Final = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.INVALID_COUNTRY_CODE: "unknown_code",
}


def _require_valid(number: PhoneNumber) -> None:
    if not phonenumbers.is_valid_number(number):
        verdict = phonenumbers.is_possible_number_with_reason(number)
        raise InvalidPhone(_LENGTH_FAULTS.get(verdict, "invalid"))


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _phone(number: PhoneNumber) -> Phone:
    return Phone(
        e164=_e164(number),
        country_code=str(number.country_code),
        national_number=phonenumbers.national_significant_number(number),
        region=phonenumbers.region_code_for_number(number) or "001",
    )
