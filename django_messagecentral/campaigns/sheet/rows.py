"""What every kind of list gives: numbered rows of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self
from xml.parsers.expat import ExpatError

from django_messagecentral.campaigns.sheet.columns import Columns

HEADER_SEARCH_ROWS = 20  # the header is the first row that is not empty, among these
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
EXCEL_ERRORS = frozenset(
    {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"}
)


@dataclass(slots=True)
class SheetRow:
    """One row: its number in Excel (from 1), the texts of its cells, those that cannot be used, by
    position, and a place to find it again: it begins there or not far behind (bytes from the beginning of
    the unpacked list).
    """

    number: int
    cells: list[str]
    problems: dict[int, str] = field(default_factory=dict)
    offset: int = 0


class Sheet(Protocol):
    """An open list with its columns found. Use as a context manager."""

    header: list[str]
    header_row: int
    columns: Columns

    @property
    def last_row_stated(self) -> int | None: ...

    def rows(self, after: int = 0, offset: int = 0) -> Iterator[SheetRow]: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def unguarded(text: str) -> str:
    """``text`` without the apostrophe that an export puts before what a spreadsheet would take for a formula:
    a list that was downloaded, mended and uploaded says what it said.
    """
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA_STARTS else text


def after(number: int, offset: int, rows: Callable[[int], Iterator[SheetRow]]) -> Iterator[SheetRow]:
    """``rows`` that follow row ``number``, read from ``offset``, where that row or one before it begins.

    When no row or a later one stands there, everything is read from the beginning: slower, and as right.
    """
    if offset:
        found = rows(offset)
        try:
            beginning = next(found, None)
        except (ExpatError, ValueError):  # the middle of something
            beginning = None
        if beginning is not None and beginning.number <= number:
            yield from (row for row in found if row.number > number)
            return
    yield from (row for row in rows(0) if row.number > number)
