"""What a workbook's cell holds, by its kind and style, as the text it shows."""

from __future__ import annotations

from django_messagecentral.campaigns.sheet.rows import EXCEL_ERRORS, unguarded
from django_messagecentral.campaigns.sheet.strings import SharedStrings, unescaped
from django_messagecentral.campaigns.sheet.styles import Styles

LAST_COLUMN = 16_384
_BOOLEANS = {"1": "TRUE", "0": "FALSE", "true": "TRUE", "false": "FALSE"}


class CellTexts:
    """The texts of one workbook's cells."""

    def __init__(self, strings: SharedStrings, styles: Styles) -> None:
        self._strings = strings
        self._styles = styles

    def text(
        self, kind: str | None, style: str | None, stored: str, column: int, problems: dict[int, str]
    ) -> str:
        """The text of a cell of ``kind`` (its ``t``) and ``style`` (its ``s``; both None or empty when the
        cell has none) with ``stored`` in it. A cell that cannot be used is noted in ``problems``. Raises
        ``ValueError`` and ``IndexError`` for what no workbook holds.
        """
        if not kind or kind == "n":
            if stored:
                return self._styles.number(style or None)(stored)
            problems[column] = "formula"  # without a stored value: an empty cell is not asked for its text
            return ""
        if kind == "s":
            text = self._strings[int(stored)] if stored else ""
        elif kind == "b":
            return _BOOLEANS.get(stored, stored)
        elif kind == "d":
            return self._styles.date(stored, style or None)
        elif kind == "e":
            problems[column] = "error"
            return stored
        else:  # a formula's text, or one that stands in the cell itself
            text = unescaped(stored)
        if text[:1] in ("'", "#"):
            if text in EXCEL_ERRORS:
                problems[column] = "error"
            return unguarded(text)
        return text


def put(cells: list[str], column: int, text: str) -> None:
    """Append ``text`` as the cell of ``column``, with empty ones for those left out."""
    missing = column - len(cells)
    if missing:
        if missing < 0:
            raise ValueError("cells out of order")
        cells.extend([""] * missing)
    cells.append(text)


class ColumnNumbers(dict[str, int]):
    """ "A" -> 0, "AA" -> 26; each worked out once."""

    def __missing__(self, letters: str) -> int:
        number = 0
        for letter in letters:
            if not "A" <= letter <= "Z":
                raise ValueError("no such column")
            number = number * 26 + ord(letter) - 64
        if not 0 < number <= LAST_COLUMN:
            raise ValueError("no such column")
        self[letters] = number - 1
        return number - 1
