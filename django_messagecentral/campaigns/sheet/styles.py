"""What a stored number shows in Excel, by its cell's style.

A sheet has few styles and, in many of its columns, few different values, so what was worked out once is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from openpyxl.styles.numbers import is_date_format, is_timedelta_format
from openpyxl.utils.datetime import CALENDAR_MAC_1904, CALENDAR_WINDOWS_1900, from_excel, from_ISO8601

from django_messagecentral.campaigns.sheet.cells import GENERAL, cell_text, signs_of

REMEMBERED = 20_000  # values a style; about 3 MiB each
_TEXTUAL = (GENERAL, "@", "")
_FIXED = re.compile(r"(#,##)?0(?:\.(0+))?")

Shown = Callable[[str], str]


class Styles:
    """The functions from a stored number to its text, by the style's index as it stands in the cell."""

    def __init__(self, formats: Sequence[str], *, locale: str, epoch_1904: bool) -> None:
        self._locale = locale
        self._epoch = CALENDAR_MAC_1904 if epoch_1904 else CALENDAR_WINDOWS_1900
        self._formats = dict(enumerate(formats))
        self._shown: dict[str | None, Shown] = {None: self._shower(self._formats.get(0, GENERAL))}

    def number(self, style: str | None) -> Shown:
        """The function for cells of ``style`` (the cell's ``s``)."""
        found = self._shown.get(style)
        if found is None:
            number_format = self._formats.get(int(style or 0), GENERAL)
            found = self._shown[style] = self._shower(number_format)
        return found

    def date(self, text: str, style: str | None) -> str:
        """The text of a date stored as ISO 8601 (``t="d"``)."""
        value: Any = from_ISO8601(text)  # type: ignore[no-untyped-call]
        return cell_text(value, self._formats.get(int(style or 0), GENERAL), self._locale)

    def _shower(self, number_format: str) -> Shown:
        if number_format in _TEXTUAL:
            return self._general
        if quick := _FIXED.fullmatch(number_format):
            return self._fixed(number_format, bool(quick[1]), len(quick[2] or ""))
        if is_date_format(number_format):
            return lru_cache(REMEMBERED)(lambda text: self._dated(text, number_format))
        return lru_cache(REMEMBERED)(lambda text: cell_text(_number(text), number_format, self._locale))

    def _fixed(self, number_format: str, grouped: bool, decimals: int) -> Shown:
        """For ``0``, ``0.00``, ``#,##0`` and the like: what needs no rounding is only written down."""
        point, thousands = signs_of(self._locale)

        def shown(text: str) -> str:
            whole, _, fraction = text.partition(".")
            if len(fraction) > decimals or len(text) > 15 or not (whole + fraction).isdecimal():
                return cell_text(_number(text), number_format, self._locale)
            digits = f"{int(whole):,}".replace(",", thousands) if grouped else str(int(whole))
            return digits + point + fraction.ljust(decimals, "0") if decimals else digits

        return shown

    @staticmethod
    def _general(text: str) -> str:
        return text if text.isdecimal() and text.isascii() else cell_text(_number(text))

    def _dated(self, text: str, number_format: str) -> str:
        number = _number(text)
        try:
            value: Any = from_excel(number, self._epoch, timedelta=is_timedelta_format(number_format))
        except (OverflowError, ValueError):
            value = number  # no such day: Excel shows hashes
        return cell_text(value, number_format, self._locale)


def _number(text: str) -> int | float:
    """Raises ``ValueError`` for what is no number."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
        if number != number or number in (float("inf"), float("-inf")):
            raise
        return number
