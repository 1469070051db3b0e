"""An .xlsx of recipients: finds the sheet and its columns, and walks its rows as text.

Everything is streamed, so that memory does not grow with the rows. XML goes through defusedxml or
under its rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from typing import IO, Self

from django_messagecentral.campaigns.sheet import regular, worksheet
from django_messagecentral.campaigns.sheet import rows as sheet_rows
from django_messagecentral.campaigns.sheet.celltexts import LAST_COLUMN, CellTexts
from django_messagecentral.campaigns.sheet.columns import Columns
from django_messagecentral.campaigns.sheet.errors import UnusableSheet, damaged, empty_sheet
from django_messagecentral.campaigns.sheet.filecheck import OLE_MAGIC, check_file
from django_messagecentral.campaigns.sheet.package import Package, SheetPart
from django_messagecentral.campaigns.sheet.rows import HEADER_SEARCH_ROWS, SheetRow
from django_messagecentral.campaigns.sheet.strings import SharedStrings
from django_messagecentral.campaigns.sheet.styles import Styles

__all__ = ["OLE_MAGIC", "SheetRow", "Workbook", "check_file"]


class Workbook:
    """An open workbook with its recipients' sheet and columns found. Use as a context manager."""

    def __init__(self, file: str | IO[bytes], *, locale: str = "en") -> None:
        self._closing = ExitStack()
        try:
            self._package = self._closing.enter_context(closing(Package(file)))
            self._strings = self._closing.enter_context(closing(self._shared_strings()))
            styles = Styles(
                self._package.number_formats(), locale=locale, epoch_1904=self._package.epoch_1904
            )
            self._texts = CellTexts(self._strings, styles)
            self._part, self.header_row, self.header = self._find_sheet()
            self.columns = Columns.of(self.header)
        except UnusableSheet:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise damaged(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closing.close()

    def _shared_strings(self) -> SharedStrings:
        path = self._package.strings_path
        if path is None or not self._package.has(path):
            return SharedStrings()
        return SharedStrings(partial(self._package.open, path))

    @property
    def last_row_stated(self) -> int | None:
        """The last row by the sheet's own word, which may count a million blank ones."""
        return worksheet.stated_last_row(self._head(self._part))

    def rows(self, after: int = 0, offset: int = 0) -> Iterator[SheetRow]:
        """Rows below the header, and below row ``after``, that hold anything at all. ``offset`` is where row
        ``after`` begins, if that is known: then what comes before is unpacked but not read.
        """
        try:
            yield from sheet_rows.after(max(after, self.header_row), offset, self._from)
        except UnusableSheet:
            raise
        except Exception as error:
            raise damaged(error) from error

    def _from(self, offset: int) -> Iterator[SheetRow]:
        head, width = self._head(self._part), self.columns.width
        start = offset or len(head)
        with self._package.open(self._part.path) as stream:
            if regular.is_regular(head):
                stream.seek(start)
                rows = regular.RegularRows(stream, self._texts, width=width, base=start)
                yield from rows
                if rows.stopped_at is None:
                    return
                start = rows.stopped_at
            stream.seek(start)
            yield from worksheet.walk(stream, self._texts, width=width, fed=head, base=start)

    def _head(self, part: SheetPart) -> bytes:
        return worksheet.beginning(partial(self._package.open, part.path))

    def _find_sheet(self) -> tuple[SheetPart, int, list[str]]:
        """The first visible sheet with a Mobile column, else the first that holds anything."""
        candidates: list[tuple[SheetPart, int, list[str]]] = []
        for part in self._package.sheets:
            if not part.visible:
                continue
            with self._package.open(part.path) as stream:
                found = next(worksheet.walk(stream, self._texts, width=LAST_COLUMN), None)
            if found is None or found.number > HEADER_SEARCH_ROWS:
                continue
            candidates.append((part, found.number, found.cells))
            if Columns.has_mobile(found.cells):
                return candidates[-1]
        if not candidates:
            raise empty_sheet()
        return candidates[0]
