"""Rows in the shape in which spreadsheet programs write them, read several times faster than by a parser.

A worksheet is a long row of the same few tags. Where a piece of it consists of nothing but rows and
cells in that shape, one straight after the other, a regular expression sees exactly what an XML
parser would see. The first piece that has anything else in it ends the reading here, and the parser goes on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from django_messagecentral.campaigns.sheet.celltexts import CellTexts, ColumnNumbers, put
from django_messagecentral.campaigns.sheet.rows import SheetRow
from django_messagecentral.conf import MIB

BLOCK = 256 * 1024  # bytes taken at once
_LAST_ROW = 1_048_576
_UTF8 = re.compile(
    rb"""\A(?:\xef\xbb\xbf)?(?:<\?xml version=["']1\.0["'](?: encoding=["'](?i:utf-8)["'])?"""
    rb"""(?: standalone=["'](?:yes|no)["'])? ?\?>)?\s*<[a-zA-Z]"""
)

_TEXT = "[^<&\r\x00-\x08]*(?:&(?:amp|lt|gt|quot|apos);[^<&\r\x00-\x08]*)*"
_ROW = '<row r="([0-9]{1,7})"(?: (?!xmlns)[A-Za-z0-9:]+="[^"<&]*")*'
_CELL = (
    '<c r="([A-Z]{1,3})[0-9]{1,7}"(?: s="([0-9]{1,5})")?(?: t="(n|s|b|e|str|inlineStr)")?(?:/>|>'
    f"(<f(?: [^<>]*)?(?:/>|>[^<]*</f>))?"
    f'(?:<v>({_TEXT})</v>|<v ?/>|<is><t(?: xml:space="preserve")?>({_TEXT})</t></is>)?</c>)'
)
_PIECE = re.compile(f"(?:{_ROW}(?:/>|>(?:{_CELL})*+</row>))*+")
_TAGS = re.compile(f"{_ROW}/?>|{_CELL}")
_ENTITY = re.compile("&(amp|lt|gt|quot|apos);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


def is_regular(head: bytes) -> bool:
    """Whether a part that begins with ``head``, up to the tag of its first row, is written in UTF-8."""
    return _UTF8.match(head) is not None


class RegularRows:
    """Iterate it for the rows of ``stream``, which stands at the tag of a row, ``base`` bytes from the
    beginning of the part. Afterwards ``stopped_at`` says where the parser has to go on; None: nowhere.
    """

    def __init__(self, stream: IO[bytes], texts: CellTexts, *, width: int, base: int) -> None:
        self._stream = stream
        self._texts = texts
        self._width = width
        self._columns = ColumnNumbers()
        self._last = 0
        self.stopped_at: int | None = base

    def __iter__(self) -> Iterator[SheetRow]:
        rest = b""
        position = self.stopped_at or 0
        while True:
            block = self._stream.read(BLOCK)
            rest += block
            cut = rest.rfind(b"</row>") + 6
            if cut > 5:
                piece = rest[:cut].decode()
                if not _PIECE.fullmatch(piece):
                    self.stopped_at = position
                    return
                yield from self._rows(piece, position)
                rest = rest[cut:]
                position += cut
            if rest.startswith(b"</sheetData>"):
                self.stopped_at = None
                return
            if not block or len(rest) > MIB:
                self.stopped_at = position
                return

    def _rows(self, piece: str, position: int) -> list[SheetRow]:
        rows: list[SheetRow] = []
        columns, width, text_of = self._columns, self._width, self._texts.text
        has_entities = "&" in piece
        number = 0
        cells: list[str] = []
        problems: dict[int, str] = {}
        for row, letters, style, kind, formula, stored, inline in _TAGS.findall(piece):
            if row:
                if problems or any(cells):
                    rows.append(SheetRow(number, cells, problems, position))
                number = int(row)
                if not self._last < number <= _LAST_ROW:
                    raise ValueError("rows out of order")
                self._last = number
                cells, problems = [], {}
                continue
            value = stored or inline
            if not (value or formula):
                continue
            column = columns[letters]
            if column >= width:
                continue
            if column == len(cells) and not (kind or style) and value.isdecimal():  # the commonest of all
                cells.append(value)
                continue
            if has_entities and "&" in value:
                value = _ENTITY.sub(lambda match: _ENTITIES[match[1]], value)
            put(cells, column, text_of(kind, style, value, column, problems))
        if problems or any(cells):
            rows.append(SheetRow(number, cells, problems, position))
        return rows
