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
from django_messagecentral.campaigns.sheet.rows import FORMULA_STARTS


def safe_text(value: Any) -> str:
    """``value`` as a cell that no spreadsheet program takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def rejected_rows(campaign: Campaign) -> bytes:
    """An .xlsx of the rows that could not be used, with their reasons. Repeated phones need no mending.

    The columns are those of all the campaign's lists by name, so that the file can be mended and uploaded
    again as it is: then only what was mended is added.
    """
    extra = (_("Row"), _("What to mend"))
    places: dict[int, list[int]] = {}
    columns: dict[tuple[str, int], int] = {}  # (name, which one of that name) -> place
    for upload in campaign.uploads.all():
        header = upload.header[:-2] if tuple(upload.header[-2:]) == extra else upload.header
        keys = [(name, header[:position].count(name)) for position, name in enumerate(header)]
        places[upload.pk] = [columns.setdefault(key, len(columns)) for key in keys]
    rows = (
        RejectedRow.objects.filter(upload__campaign=campaign)
        .exclude(code=RejectedRow.DUPLICATE)
        .order_by("upload_id", "row_number")
    )
    return write_xlsx(
        [*(name for name, _nth in columns), *extra],
        (
            [*_placed(row.cells, places[row.upload_id], len(columns)), row.row_number, row.reason]
            for row in rows.iterator(chunk_size=2_000)
        ),
    )


def _placed(cells: Sequence[str], places: Sequence[int], width: int) -> list[str]:
    """``cells`` of one list under the columns of all of them."""
    placed = [""] * width
    for cell, place in zip(cells, places, strict=False):
        placed[place] = cell
    return placed


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
