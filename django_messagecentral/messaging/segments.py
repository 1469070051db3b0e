"""How many SMS segments a text takes.

GSM 03.38 (3GPP TS 23.038): the default alphabet packs 160 characters into one message, or 153 into
each part of a longer one; a character of the extension table takes two septets and never straddles
two parts. Any other character makes the whole text UCS-2: 70 code units alone, 67 a part, and a
surrogate pair is never split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "^{}\\[~]|€\f"

_BASIC = frozenset(GSM_BASIC)
_EXTENSION = frozenset(GSM_EXTENSION)
_GSM = _BASIC | _EXTENSION


@dataclass(frozen=True, slots=True)
class Segmentation:
    """``units`` are septets (GSM-7) or 16-bit code units (UCS-2); ``segments`` is what is charged."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int


def _parts(widths: list[int], single: int, part: int) -> int:
    """Parts needed when a character of more than one unit may not straddle two parts."""
    if sum(widths) <= single:
        return 1
    parts, room = 1, part
    for width in widths:
        if width > room:
            parts, room = parts + 1, part
        room -= width
    return parts


def segment(text: str) -> Segmentation:
    """Count the segments of ``text``; an empty text takes none."""
    if not text:
        return Segmentation("GSM-7", 0, 0)
    characters = set(text)
    if characters <= _GSM:
        if characters.isdisjoint(_EXTENSION):
            units = len(text)
            return Segmentation("GSM-7", units, 1 if units <= 160 else -(-units // 153))
        widths = [2 if c in _EXTENSION else 1 for c in text]
        return Segmentation("GSM-7", sum(widths), _parts(widths, 160, 153))
    widths = [2 if ord(c) > 0xFFFF else 1 for c in text]
    return Segmentation("UCS-2", sum(widths), _parts(widths, 70, 67))


def count_segments(text: str) -> int:
    """Only the number that is charged."""
    return segment(text).segments
