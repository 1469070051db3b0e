"""Spreadsheets out: the rejected rows, to be mended and uploaded again."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.utils.exceptions import IllegalCharacterError

from django_messagecentral.campaigns.models import Campaign, RejectedRow

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_text(value: Any) -> str:
    """``value`` as a cell that no spreadsheet program takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def rejected_rows(campaign: Campaign) -> bytes:
    """An .xlsx of the rows that could not be used, with their reasons. Repeated phones need no mending."""
    uploads = list(campaign.uploads.all())
    header: list[str] = next((upload.header for upload in uploads if upload.header), [])
    rows = (
        RejectedRow.objects.filter(upload__campaign=campaign)
        .exclude(code=RejectedRow.DUPLICATE)
        .order_by("upload_id", "row_number")
    )
    width = len(header)
    return write_xlsx(
        [*header, _("Row"), _("What to mend")],
        (
            [*(row.cells + [""] * width)[:width], row.row_number, row.reason]
            for row in rows.iterator(chunk_size=2_000)
        ),
    )


def write_xlsx(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """A workbook of text cells (numbers stay numbers), written row by row."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([_cell(sheet, value) for value in header])
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _cell(sheet: Any, value: Any) -> Any:
    if isinstance(value, int):
        return WriteOnlyCell(sheet, value)
    text = safe_text(value)
    try:
        cell = WriteOnlyCell(sheet, text)
    except IllegalCharacterError:
        cell = WriteOnlyCell(sheet, "".join(c for c in text if c.isprintable()))
    cell.data_type = "s"
    return cell
