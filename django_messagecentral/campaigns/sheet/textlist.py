"""A list of recipients as text: .csv with any usual delimiter and encoding."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Self

from django.utils.translation import gettext as _

from django_messagecentral.campaigns.sheet.columns import Columns
from django_messagecentral.campaigns.sheet.encoding import (
    SAMPLE_BYTES,
    detect_delimiter,
    detect_encoding,
    unreadable_text,
)
from django_messagecentral.campaigns.sheet.errors import UnusableSheet, empty_sheet
from django_messagecentral.campaigns.sheet.rows import (
    EXCEL_ERRORS,
    HEADER_SEARCH_ROWS,
    SheetRow,
    unguarded,
)
from django_messagecentral.conf import MIB

MAX_LINE_BYTES = MIB  # a hundred columns of a cell's 32,767 characters are no list of recipients


class TextList:
    """An open text file with its columns found. Use as a context manager.

    A row's number is that of its record, as Excel would count it. Excel's own first line ``sep=;`` names the
    delimiter and is no row.
    """

    def __init__(self, file: str | IO[bytes]) -> None:
        self._closing = ExitStack()
        try:
            stream = self._closing.enter_context(open(file, "rb")) if isinstance(file, str) else file  # noqa: SIM115
            encoding = detect_encoding(stream)
            stream = self._by_line(stream, encoding)
            self._encoding = "utf-8" if encoding.startswith("utf-") else encoding
            self._stream = stream
            self._start, self._delimiter = self._introduction()
            self.header_row, self.header = self._find_header()
            self.columns = Columns.of(self.header)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._closing.close()

    @property
    def last_row_stated(self) -> int | None:
        """The number of lines: at least the number of rows."""
        self._stream.seek(self._start)
        lines, last = 0, b""
        while block := self._stream.read(MIB):
            lines, last = lines + block.count(b"\n"), block
        return lines + (not last.endswith(b"\n"))

    def rows(self, after: int = 0, offset: int = 0) -> Iterator[SheetRow]:
        """Rows below the header, and below row ``after``, that hold anything at all. ``offset`` is where row
        ``after`` begins, if that is known.
        """
        first = max(after, self.header_row) + 1
        records = self._records(offset, after) if offset else self._records(self._start, 1)
        width = self.columns.width
        for number, where, record in records:
            if number < first or not record:
                continue
            cells = [unguarded(cell.replace("\0", "").strip()) for cell in record[:width]]
            if any(cells):
                problems = {p: "error" for p, cell in enumerate(cells) if cell in EXCEL_ERRORS}
                yield SheetRow(number, cells, problems, where)

    def _records(self, offset: int, number: int) -> Iterator[tuple[int, int, list[str]]]:
        """(number, position, cells) of each record from ``offset`` on, where record ``number`` begins."""
        self._stream.seek(offset)
        position = offset

        def lines() -> Iterator[str]:
            nonlocal position
            while line := self._stream.readline(MAX_LINE_BYTES + 1):
                if len(line) > MAX_LINE_BYTES:
                    raise csv.Error("line too long")
                position += len(line)
                yield line.decode(self._encoding)

        try:
            where = position
            for record in csv.reader(lines(), delimiter=self._delimiter):
                yield number, where, record
                number, where = number + 1, position
        except csv.Error:
            raise UnusableSheet(
                "broken_text",
                _(
                    "From row %(row)d on the list cannot be read: a quotation mark is not closed, or a line "
                    "is endless. Open it in Excel, save it as “Excel Workbook (.xlsx)” and upload that."
                )
                % {"row": number},
            ) from None
        except UnicodeDecodeError:
            raise unreadable_text() from None

    def _by_line(self, stream: IO[bytes], encoding: str) -> IO[bytes]:
        """``stream``, or a copy of it in UTF-8 where its lines are not told apart by a single byte."""
        head = stream.read(SAMPLE_BYTES)
        stream.seek(0)
        old_mac = b"\r" in head and b"\n" not in head
        if encoding not in ("utf-16", "utf-32") and not old_mac:
            return stream
        copy = self._closing.enter_context(tempfile.TemporaryFile(prefix="messagecentral-"))  # noqa: SIM115
        text = io.TextIOWrapper(stream, encoding=encoding, newline=None if old_mac else "")
        target = io.TextIOWrapper(copy, encoding="utf-8", newline="")
        try:
            shutil.copyfileobj(text, target, MIB)
            target.flush()
        except UnicodeError:
            raise unreadable_text() from None
        finally:
            text.detach()
            target.detach()
        copy.seek(0)
        return copy

    def _introduction(self) -> tuple[int, str]:
        """Where the first record begins, and the delimiter."""
        self._stream.seek(0)
        head = self._stream.read(SAMPLE_BYTES)
        start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
        line, _newline, _rest = head[start:].partition(b"\n")
        if line[:4].lower() == b"sep=" and len(line.rstrip(b"\r")) == 5:
            return start + len(line) + 1, chr(line[4])
        whole_lines = head[start:] if len(head) < SAMPLE_BYTES else head[start : head.rfind(b"\n") + 1]
        return start, detect_delimiter(whole_lines.decode(self._encoding, "replace"))

    def _find_header(self) -> tuple[int, list[str]]:
        for number, _where, record in self._records(self._start, 1):
            if number > HEADER_SEARCH_ROWS:
                break
            header = [cell.replace("\0", "").strip() for cell in record]
            if any(header):
                return number, header
        raise empty_sheet()
