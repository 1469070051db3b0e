"""The file mode's workbook: Country, Mobile, var1, var2 ... (vendor document, Message Sending Modes)."""

from __future__ import annotations

import io
import re
import zipfile

from python_calamine import CalamineError, CalamineWorkbook

_PLACEHOLDER = re.compile(r"##([A-Za-z_][A-Za-z0-9_ ]*?)##")
MAX_UNZIPPED = 512 * 1024 * 1024


class BadWorkbookError(ValueError):
    """The file is no workbook of this form; the text says why."""


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def read_rows(content: bytes) -> list[tuple[str, str, dict[str, str]]]:
    """(country, mobile, variables by lower-case column name) of each row with anything in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MAX_UNZIPPED:
                raise BadWorkbookError("the workbook is too large")
            if "xl/workbook.xml" not in archive.namelist():
                raise BadWorkbookError("not an .xlsx workbook")
        rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    except (zipfile.BadZipFile, CalamineError, IndexError, ValueError, OSError) as exc:
        raise BadWorkbookError(str(exc) or "not an .xlsx workbook") from exc
    if not rows:
        raise BadWorkbookError("the sheet is empty")
    header = [_text(cell).lower() for cell in rows[0]]
    if "country" not in header or "mobile" not in header:
        raise BadWorkbookError("the first row must name the columns Country and Mobile")
    country, mobile = header.index("country"), header.index("mobile")
    found = []
    for row in rows[1:]:
        cells = [_text(cell) for cell in row]
        if any(cells):
            found.append((cells[country], cells[mobile], dict(zip(header, cells, strict=False))))
    return found


def fill(template: str, variables: dict[str, str]) -> str:
    """The text for one row. ``##var##`` and ``##var1##`` are the same; raises BadWorkbookError."""

    def value(found: re.Match[str]) -> str:
        name = found[1].lower()
        for spelling in (name, "var1" if name == "var" else "", "var" if name == "var1" else ""):
            if spelling in variables:
                return variables[spelling]
        raise BadWorkbookError(f"the sheet has no column for {found[0]}")

    return _PLACEHOLDER.sub(value, template)
