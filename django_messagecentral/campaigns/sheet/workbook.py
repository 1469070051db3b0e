"""Opens an uploaded .xlsx safely and walks its rows as text.

A workbook is a zip of XML. Before anything is unpacked the zip's own directory is read: the kind of
file, the number of entries, and the size they claim to unpack to (Python's zipfile never unpacks more
than an entry claims). XML goes through defusedxml: openpyxl uses it whenever it is installed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import openpyxl
from django.utils.translation import gettext as _
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from django_messagecentral.campaigns.sheet.cells import GENERAL, cell_text
from django_messagecentral.campaigns.sheet.columns import Columns
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.conf import MIB, app_settings

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # old .xls, and every encrypted workbook
MAX_ENTRIES = 5_000
HEADER_SEARCH_ROWS = 20  # the header is the first row that is not empty, among these
EXCEL_ERRORS = frozenset(
    {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"}
)


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: its number in Excel (from 1), the texts of its cells, and those that cannot be used,
    by position.
    """

    number: int
    cells: list[str]
    problems: dict[int, str]


def check_file(file: IO[bytes], size: int) -> None:
    """Refuse what is no usable workbook, by content and not by name. ``size`` in bytes. Rewinds ``file``."""
    limit = app_settings.UPLOAD_MAX_BYTES
    if size > limit:
        raise UnusableSheet(
            "too_large",
            _("The file has %(size)d MiB, %(limit)d MiB are allowed. Split it into several uploads.")
            % {"size": -(-size // MIB), "limit": limit // MIB},
        )
    file.seek(0)
    head = file.read(4096)
    file.seek(0)
    if not head:
        raise UnusableSheet(
            "empty_file", _("The file is empty. Save the workbook in Excel and upload it again.")
        )
    if head.startswith(OLE_MAGIC):
        _refuse_ole(file)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise _not_xlsx() from None
    finally:
        file.seek(0)
    names = {entry.filename for entry in entries}
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise _not_xlsx()
    unzipped, allowed = sum(entry.file_size for entry in entries), app_settings.UPLOAD_MAX_UNZIPPED_BYTES
    if unzipped > allowed or len(entries) > MAX_ENTRIES:
        raise UnusableSheet(
            "too_large_unzipped",
            _(
                "The workbook unpacks to %(size)d MiB in %(entries)d parts, more than is "
                "allowed. Keep only the sheet of recipients and save it again."
            )
            % {"size": unzipped // MIB, "entries": len(entries)},
        )


def _refuse_ole(file: IO[bytes]) -> None:
    content = file.read(2 * MIB)
    file.seek(0)
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise UnusableSheet(
            "encrypted",
            _(
                "The workbook is protected with a password. Remove it in Excel (File, Info, "
                "Protect Workbook) and upload it again."
            ),
        )
    raise UnusableSheet(
        "old_xls",
        _(
            "This is an old Excel file (.xls). Open it in Excel, save it as “Excel "
            "Workbook (.xlsx)” and upload that."
        ),
    )


def _not_xlsx() -> UnusableSheet:
    return UnusableSheet(
        "not_xlsx", _("This is no Excel workbook. Save the list as “Excel Workbook (.xlsx)” and upload that.")
    )


class Workbook:
    """An open workbook with its recipients' sheet and columns found. Use as a context manager."""

    def __init__(self, path: str | IO[bytes], *, locale: str = "en") -> None:
        self._path = path
        self._locale = locale
        self._open_files: list[IO[bytes]] = []  # ours, since openpyxl leaves a file open that it cannot read
        try:
            self._sheet, self.header_row, self.header = self._find_sheet(self._open(data_only=True))
            self.columns = Columns.of(self.header)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Workbook:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for file in self._open_files:
            file.close()
        self._open_files.clear()

    @property
    def last_row_stated(self) -> int | None:
        """The last row by the sheet's own word, which may count a million blank ones."""
        stated: int | None = self._sheet.max_row
        return stated

    def rows(self) -> Iterator[SheetRow]:
        """Rows below the header that hold anything at all."""
        try:
            for number, cells in enumerate(self._cells(), self.header_row + 1):
                if row := self._row(number, cells):
                    yield row
        except UnusableSheet:
            raise
        except Exception as error:
            raise _broken(error) from error

    def _row(self, number: int, cells: tuple[tuple[Any, Any], ...]) -> SheetRow | None:
        texts: list[str] = []
        problems: dict[int, str] = {}
        for position, (cell, formula) in enumerate(cells):
            value = cell.value
            if value is None:
                texts.append("")
                if formula is not None and formula.data_type == "f":
                    problems[position] = "formula"
                continue
            if cell.data_type == "e" or (isinstance(value, str) and value in EXCEL_ERRORS):
                problems[position] = "error"
            texts.append(cell_text(value, cell.number_format or GENERAL, self._locale))
        return SheetRow(number, texts, problems) if any(texts) or problems else None

    def _cells(self) -> Iterator[tuple[tuple[Any, Any], ...]]:
        """Rows of pairs: the cell with its stored value,
        and the cell with its formula where the sheet has any.
        """
        bounds = {"min_row": self.header_row + 1, "max_col": self.columns.width}
        values = self._sheet.iter_rows(**bounds)
        if not self._has_formulas():
            for row in values:
                yield tuple((cell, None) for cell in row)
            return
        formulas = self._open(data_only=False)[self._sheet.title].iter_rows(**bounds)
        for row, formula_row in zip(values, formulas, strict=True):
            yield tuple(zip(row, formula_row, strict=True))

    def _has_formulas(self) -> bool:
        """Whether ``<f`` stands anywhere in the sheet's XML: only then a second walk is worth its time."""
        tail = b""
        with zipfile.ZipFile(self._path) as archive, archive.open(self._sheet._worksheet_path) as stream:
            while block := stream.read(MIB):
                text = tail + block
                if b"<f>" in text or b"<f " in text or b"<f/" in text:
                    return True
                tail = text[-3:]
        return False

    def _open(self, *, data_only: bool) -> Any:
        stream = open(self._path, "rb") if isinstance(self._path, str) else self._path  # noqa: SIM115 - see close()
        if stream is not self._path:
            self._open_files.append(stream)
        try:
            return openpyxl.load_workbook(stream, read_only=True, data_only=data_only, keep_links=False)
        except Exception as error:
            raise _broken(error) from error

    def _find_sheet(self, book: Any) -> tuple[Any, int, list[str]]:
        """The first visible sheet with a Mobile column, else the first that holds anything."""
        candidates: list[tuple[Any, int, list[str]]] = []
        try:
            for sheet in book.worksheets:
                if not isinstance(sheet, ReadOnlyWorksheet) or sheet.sheet_state != "visible":
                    continue
                rows: Any = sheet.iter_rows(max_row=HEADER_SEARCH_ROWS, values_only=True)  # type: ignore[misc]
                for number, row in enumerate(rows, 1):
                    header = [cell_text(value) for value in row]
                    if any(header):
                        candidates.append((sheet, number, header))
                        break
                if candidates and candidates[-1][0] is sheet and Columns.has_mobile(candidates[-1][2]):
                    return candidates[-1]
        except Exception as error:
            raise _broken(error) from error
        if not candidates:
            raise UnusableSheet(
                "empty_sheet",
                _(
                    "The workbook holds no rows. The first row must name the columns, as in: "
                    "Country, Mobile, var1, var2."
                ),
            )
        return candidates[0]


def _broken(error: Exception) -> UnusableSheet:
    """openpyxl raises what its parts raise (KeyError, ParseError, BadZipFile ...):
    to the operator it is one thing.
    """
    return UnusableSheet(
        "damaged",
        _("The workbook is damaged (%(error)s). Open it in Excel, save it again and upload the new file.")
        % {"error": type(error).__name__},
    )
