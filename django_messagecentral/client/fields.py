"""Lenient reading of single JSON values: the vendor writes numbers as ints, floats and strings alike."""

from __future__ import annotations

import math
import re
from typing import Final

_WHOLE: Final = re.compile(r"\s*[+-]?\d{1,18}(?:\.0{1,9})?\s*")
_LONGEST_TEXT: Final = 255  # characters; ids and statuses are far shorter


def as_int(value: object) -> int | None:
    """200, "200", 200.0 and "200.0" are 200; anything else is None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else None
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(float(value)) if "." in value else int(value)
    return None


def as_seconds(value: object) -> float | None:
    """60, "60" and "60.0" are 60.0; negative, endless and unreadable ones are None."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def as_text(value: object) -> str | None:
    """An id or a status: text, or a number as its digits. None for anything else, and for empty text."""
    if isinstance(value, str):
        text = value.strip()
        return text if text and len(text) <= _LONGEST_TEXT and _is_plain(text) else None
    number = as_int(value)
    return str(number) if number is not None and abs(number) < 10**30 else None


def _is_plain(text: str) -> bool:
    """False for NUL and lone surrogates, which no database stores."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
