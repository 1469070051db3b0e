"""The vendor's own file mode: an .xlsx of recipients with their variables, and one text for all.

Vendor document, "Sample file format" and "Sample message": the columns are ``Country, Mobile, var1, var2,
var3 ...``, and the text names them ``##var##`` (the first, without its number), ``##var2##``, ``##var3##``.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from django_messagecentral.backends import BaseBackend
from django_messagecentral.client import SendResult
from django_messagecentral.messaging import unsubscribe
from django_messagecentral.messaging.delivery import Parcel
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.text import BoundTemplate
from django_messagecentral.phones import vendor_pair


def vendor_text(template: BoundTemplate) -> str:
    """The text with its variables counted as the vendor counts them, in the order of their first use."""
    names = {position: _name(number) for number, position in enumerate(columns_used(template), 1)}
    pieces = [template.literals[0]]
    for literal, position in zip(template.literals[1:], template.positions, strict=True):
        pieces += [f"##{names[position]}##", literal]
    text = "".join(pieces)
    if unsubscribe.is_usable():  # a link of each recipient's own is one more column
        text = text.replace(unsubscribe.placeholder(), f"##{_name(len(names) + 1)}##")
    return text


def vendor_values(template: BoundTemplate, row: Message) -> list[str]:
    """The cells of one recipient, in the order of :func:`vendor_text`'s variables."""
    values = [row.variables[position] for position in columns_used(template)]
    placed = unsubscribe.is_usable() and any(unsubscribe.placeholder() in text for text in template.literals)
    return [*values, unsubscribe.link(row.public_id)] if placed else values


def columns_used(template: BoundTemplate) -> list[int]:
    """Positions of the columns that the text uses, each once, in the order of their first use."""
    return list(dict.fromkeys(template.positions))


def _name(number: int) -> str:
    return "var" if number == 1 else f"var{number}"


def workbook_of(rows: Sequence[tuple[str, Sequence[str]]]) -> bytes:
    """An .xlsx of (E.164 phone, values): every cell is text, so that no program reads it as anything else."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    width = max((len(values) for _phone, values in rows), default=0)
    header = ["Country", "Mobile", *(f"var{number}" for number in range(1, width + 1))]
    sheet.append([_text_cell(sheet, value) for value in header])
    for phone, values in rows:
        sheet.append([_text_cell(sheet, value) for value in (*vendor_pair(phone), *values)])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _text_cell(sheet: Any, value: str) -> Any:
    cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", value))
    cell.data_type = "s"
    return cell


def file(backend: BaseBackend, parcel: Parcel) -> SendResult:
    """A carrier: the parcel's recipients in one upload."""
    rows = [(item.phone, item.values) for item in parcel.items]
    return backend.send_file(workbook_of(rows), replace(parcel.outgoing, phone=""))
