"""Which encoding and delimiter a text file has.

UTF-8 is recognised by being valid; for what is not, charset-normalizer judges the lines that hold
other characters than ASCII.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Sequence
from typing import IO

from charset_normalizer import from_bytes
from django.utils.translation import gettext as _

from django_messagecentral.campaigns.sheet.columns import Columns
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.conf import MIB

DELIMITERS = ",;\t|"
SAMPLE_BYTES = 64 * 1024
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What spreadsheet programs write when they do not write Unicode.
_LEGACY = (
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874",
    "cp932", "cp949", "gb18030", "big5", "mac_roman",
)  # fmt: skip


def detect_encoding(stream: IO[bytes]) -> str:
    """A Python codec's name. Rewinds ``stream``. Raises :class:`UnusableSheet`."""
    stream.seek(0)
    head = stream.read(4)
    stream.seek(0)
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    sample = _lines_beyond_ascii(stream)
    stream.seek(0)
    if sample is None:
        return "utf-8"
    best = from_bytes(sample, cp_isolation=list(_LEGACY)).best()
    if best is None:
        raise unreadable_text()
    return best.encoding


def unreadable_text() -> UnusableSheet:
    return UnusableSheet(
        "encoding",
        _("The characters of this file cannot be told. Save the list as “CSV UTF-8” and upload that."),
    )


def _lines_beyond_ascii(stream: IO[bytes]) -> bytes | None:
    """Up to :data:`SAMPLE_BYTES` of lines with other characters than ASCII; None if all is valid UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := stream.read(MIB):
            decoder.decode(block)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        pass
    else:
        return None
    stream.seek(0)
    sample = b""
    while len(sample) < SAMPLE_BYTES and (line := stream.readline(SAMPLE_BYTES)):
        if not line.isascii():
            sample += line
    return sample


def detect_delimiter(sample: str) -> str:
    """The delimiter that makes the first lines a table with a Mobile column, else what csv's sniffer says."""
    best = max(DELIMITERS, key=lambda delimiter: _fitness(sample, delimiter))
    if _fitness(sample, best) != (False, 1):
        return best
    try:
        return csv.Sniffer().sniff(sample, delimiters=DELIMITERS).delimiter
    except csv.Error:
        return ","


def _fitness(sample: str, delimiter: str) -> tuple[bool, int]:
    header = _first_record(sample, delimiter)
    return Columns.has_mobile(header), max(1, len(header))


def _first_record(sample: str, delimiter: str) -> Sequence[str]:
    try:
        for record in csv.reader(sample.splitlines(keepends=True), delimiter=delimiter):
            if any(cell.strip() for cell in record):
                return record
    except csv.Error:
        pass
    return []
