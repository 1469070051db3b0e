"""What a cell shows in Excel, as text: ``919876543210`` and not ``919876543210.0``, ``02/11/2023`` and
not ``45232``.

Only the parts of Excel's number formats that lists of recipients use: padding zeros, decimals,
thousands, per cent, literal texts and currencies, dates and times. Any other format falls back to the
shortest exact text of the value, so that nothing is ever shown wrong for being shown prettily.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

GENERAL = "General"

_BRACKET = re.compile(r"\[\$([^\]-]*)(?:-[^\]]*)?\]|\[[^\]]*\]")
_NUMBER = re.compile(
    r"^(?P<prefix>[^0#?.,%]*)(?P<whole>[0#?,]*)(?:\.(?P<fraction>[0#?]+))?(?P<scale>,*)(?P<percent>%?)(?P<suffix>[^0#?.,%]*)$"
)
_DATE_TOKENS = re.compile(
    r"yyyy|yy|mmmmm|mmmm|mmm|mm|m|dddd|ddd|dd|d|hh|h|ss|s|AM/PM|A/P|\.0+", re.IGNORECASE
)

# Decimal and thousands signs of Excel's own locales; the rest follow English.
SIGNS = {
    "en": (".", ","),
    "hi": (".", ","),
    "de": (",", "."),
    "es": (",", "."),
    "fr": (",", "\u202f"),
    "it": (",", "."),
    "nl": (",", "."),
    "pt": (",", "."),
    "ru": (",", "\xa0"),
}


def cell_text(value: Any, number_format: str = GENERAL, locale: str = "en") -> str:
    """The text of one cell's ``value`` under ``number_format``; an empty cell is an empty text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, (datetime, date, time)):
        return _date_text(value, number_format)
    if isinstance(value, timedelta):
        total = int(value.total_seconds())
        return f"{total // 3600}:{total // 60 % 60:02}:{total % 60:02}"
    if isinstance(value, (int, float, Decimal)):
        return _number_text(value, number_format, locale)
    return str(value).strip()


def signs_of(locale: str) -> tuple[str, str]:
    """The decimal and the thousands sign of ``locale`` ("de", "pt-BR")."""
    return SIGNS.get(locale.split("-")[0].split("_")[0].lower(), SIGNS["en"])


def plain_number(value: float | Decimal) -> str:
    """The shortest exact decimal text of a number, without exponent and without ``.0``."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = format(Decimal(repr(value)) if isinstance(value, float) else Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=512)
def _sections(number_format: str) -> list[str]:
    """The format's sections (positive; negative; zero) without colours and conditions, literals unquoted."""
    text = _BRACKET.sub(lambda m: _literal(m[1] or ""), number_format)
    sections, current, i = [], "", 0
    while i < len(text):
        char = text[i]
        if char == '"':
            end = text.find('"', i + 1)
            end = len(text) if end < 0 else end
            current += _literal(text[i + 1 : end])
            i = end
        elif char == "\\":
            current += _literal(text[i + 1 : i + 2])
            i += 1
        elif char in "_*":  # padding: a space as wide as the next character, or a repeated one
            i += 1
        elif char == ";":
            sections.append(current)
            current = ""
        else:
            current += char
        i += 1
    return [*sections, current]


def _literal(text: str) -> str:
    """Literal characters, shifted to a private area so that they are never read as format codes."""
    return "".join(chr(0xF0000 + ord(c)) if ord(c) <= 0xFFFF else c for c in text)


def _unshift(text: str) -> str:
    return "".join(chr(ord(c) - 0xF0000) if 0xF0000 <= ord(c) <= 0xFFFFF else c for c in text)


def _number_text(value: float | Decimal, number_format: str, locale: str) -> str:
    if number_format in (GENERAL, "@", "") or abs(float(value)) >= 1e15:  # Excel keeps fifteen digits
        return plain_number(value)
    sections = _sections(number_format)
    section, sign = sections[0], "-" if value < 0 else ""
    if value < 0 and len(sections) > 1:
        section, sign = sections[1], ""
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    match = _NUMBER.match(section)
    if match is None or not (match["whole"] or match["fraction"]):
        return plain_number(value)
    number = abs(Decimal(repr(value)) if isinstance(value, float) else Decimal(value))
    if match["percent"]:
        number *= 100
    whole_format, fraction = match["whole"], match["fraction"] or ""
    scale = (
        len(match["scale"]) + len(whole_format) - len(whole_format.rstrip(","))
    )  # trailing commas divide by a thousand each
    number /= Decimal(1000) ** scale
    number = number.quantize(Decimal(1).scaleb(-len(fraction)), ROUND_HALF_UP)
    digits, _, decimals = format(number, "f").partition(".")
    least = len(fraction.rstrip("#?"))
    decimals = decimals[:least] + decimals[least:].rstrip("0")
    digits = digits.zfill(whole_format.count("0"))
    if digits == "0" and whole_format.count("0") == 0 and decimals:
        digits = ""
    point, thousands = signs_of(locale)
    if "," in whole_format.rstrip(","):
        digits = _grouped(digits, thousands)
    if not (number or value == 0):
        sign = ""
    body = digits + (point + decimals if decimals else "") + match["percent"]
    return (_unshift(match["prefix"]) + sign + body + _unshift(match["suffix"])).strip()


def _grouped(digits: str, sign: str) -> str:
    head = len(digits) % 3
    groups = [digits[:head]] if head else []
    return sign.join(groups + [digits[i : i + 3] for i in range(head, len(digits), 3)])


def _date_text(value: datetime | date | time, number_format: str) -> str:
    section = _sections(number_format)[0]
    if not any(c in section.lower() for c in "ymdhs"):
        return _plain_date(value)
    moment: Any = value
    if isinstance(moment, time):
        moment = datetime.combine(date(1900, 1, 1), moment)
    elif not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    twelve = "am/pm" in section.lower() or "a/p" in section.lower()
    pieces: list[str] = []
    position, previous = 0, ""
    tokens = list(_DATE_TOKENS.finditer(section))
    for index, token in enumerate(tokens):
        pieces.append(section[position : token.start()])
        code = token[0].lower()
        following = tokens[index + 1][0].lower() if index + 1 < len(tokens) else ""
        if code in ("m", "mm") and (previous.startswith("h") or following.startswith("s")):
            code = code.replace("m", "n")  # minutes: beside hours or seconds
        pieces.append(_date_part(moment, code, twelve))
        position, previous = token.end(), code
    pieces.append(section[position:])
    return _unshift("".join(pieces)).strip()


def _date_part(moment: datetime, code: str, twelve: bool) -> str:
    hour = (moment.hour % 12 or 12) if twelve else moment.hour
    parts = {
        "yyyy": f"{moment.year:04}",
        "yy": f"{moment.year % 100:02}",
        "mmmmm": _MONTHS[moment.month - 1][0],
        "mmmm": _MONTHS[moment.month - 1],
        "mmm": _MONTHS[moment.month - 1][:3],
        "mm": f"{moment.month:02}",
        "m": str(moment.month),
        "dddd": _DAYS[moment.weekday()],
        "ddd": _DAYS[moment.weekday()][:3],
        "dd": f"{moment.day:02}",
        "d": str(moment.day),
        "hh": f"{hour:02}",
        "h": str(hour),
        "nn": f"{moment.minute:02}",
        "n": str(moment.minute),
        "ss": f"{moment.second:02}",
        "s": str(moment.second),
        "am/pm": "AM" if moment.hour < 12 else "PM",
        "a/p": "A" if moment.hour < 12 else "P",
    }
    if code in parts:
        return parts[code]
    width = len(code) - 1  # ".00": fractions of a second
    return "." + f"{moment.microsecond:06}"[:width].ljust(width, "0")


_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _plain_date(value: datetime | date | time) -> str:
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return value.isoformat(" ", "seconds") if isinstance(value, datetime) else value.isoformat()
