"""What the vendor makes of an uploaded workbook, for the backends that live in this process."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

from openpyxl import load_workbook

from django_messagecentral.phones import parse_phone

_PLACEHOLDER = re.compile(r"##var(\d*)##")


def texts_of_workbook(workbook: bytes, template: str) -> list[tuple[str, str]]:
    """(phone, text) of each row of a sheet with columns Country, Mobile, var1, var2 ... (vendor document).

    ``##var##`` and ``##var1##`` are the first variable. Raises InvalidPhone for a row without a number.
    """
    rows = load_workbook(io.BytesIO(workbook), read_only=True, data_only=True).worksheets[0].values
    next(rows, None)  # the header
    texts = []
    for country, mobile, *values in rows:
        filled = _fill(template, ["" if value is None else str(value) for value in values])
        texts.append((parse_phone(mobile, country=country).e164, filled))
    return texts


def _fill(template: str, values: Sequence[str]) -> str:
    def value_of(found: re.Match[str]) -> str:
        index = int(found[1] or 1) - 1
        return values[index] if 0 <= index < len(values) else ""

    return _PLACEHOLDER.sub(value_of, template)
