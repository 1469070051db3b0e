"""Walks the rows of one worksheet as texts, without ever holding more than a block of it.

A cell is ``<c r="B2" s="1" t="s"><v>17</v></c>``: its place, its style, its kind and what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from django_messagecentral.campaigns.sheet import xml
from django_messagecentral.campaigns.sheet.celltexts import CellTexts, ColumnNumbers, put
from django_messagecentral.campaigns.sheet.rows import SheetRow

LAST_ROW = 1_048_576
_NAMES = xml.element_names(("row", "c", "v", "f", "t", "rPh"))
_DIGITS = "0123456789"


def walk(
    stream: IO[bytes], texts_of: CellTexts, *, width: int, fed: bytes = b"", base: int = 0
) -> Iterator[SheetRow]:
    """The rows that hold anything in their first ``width`` columns, by a real XML parser.

    ``stream`` is the unpacked part. To begin in its middle, give the part's beginning up to its first row
    as ``fed``, a stream that stands at the tag of a row, and that tag's position as ``base`` (bytes).
    """
    out: list[SheetRow] = []
    cells: list[str] = []
    problems: dict[int, str] = {}
    texts: list[str] = []
    length = row_number = row_offset = column = phonetic = 0
    kind: str | None = None
    style: str | None = None
    has_formula = taking = wanted = False
    shift = base - len(fed)
    columns = ColumnNumbers()
    parser = xml.make_parser()
    names = _NAMES

    def start(name: str, attributes: list[str]) -> None:
        nonlocal row_number, row_offset, column, kind, style, has_formula, taking, wanted, phonetic, cells
        nonlocal problems
        tag = names.get(name)
        if tag == "c":
            column += 1
            kind = style = None
            has_formula = False
            for position in range(0, len(attributes), 2):
                attribute = attributes[position]
                if attribute == "r":
                    letters = attributes[position + 1].rstrip(_DIGITS)
                    column = columns[letters]
                elif attribute == "s":
                    style = attributes[position + 1]
                elif attribute == "t":
                    kind = attributes[position + 1]
            wanted = column < width
        elif tag == "v":
            taking = wanted
        elif tag == "f":
            has_formula = True
        elif tag == "t":
            taking = wanted and not phonetic
        elif tag == "rPh":
            phonetic += 1
        elif tag == "row":
            row_offset = parser.CurrentByteIndex + shift
            row_number = _row_number(attributes, row_number)
            column = -1
            cells, problems = [], {}

    def characters(data: str) -> None:
        nonlocal length
        if taking:
            if texts:
                length += len(data)
                if length > xml.TEXT_CHARACTERS:
                    raise xml.TooLong
            else:
                length = len(data)
            texts.append(data)

    def end(name: str) -> None:
        nonlocal taking, phonetic
        tag = names.get(name)
        if tag == "v" or tag == "t":
            taking = False
        elif tag == "c":
            if texts or has_formula:
                text = texts[0] if len(texts) == 1 else "".join(texts)
                texts.clear()
                if wanted:
                    put(cells, column, texts_of.text(kind, style, text, column, problems))
        elif tag == "rPh":
            phonetic -= 1
        elif tag == "row" and (problems or any(cells)):
            out.append(SheetRow(row_number, cells, problems, row_offset))

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    parser.Parse(fed, False)
    for _ in xml.feed(parser, stream, len(fed)):
        yield from out
        out.clear()


def beginning(opened: Callable[[], IO[bytes]]) -> bytes:
    """The part up to the tag of its first row."""
    found: list[int] = []

    def start(name: str, _attributes: list[str]) -> None:
        if _NAMES.get(name) == "row" and not found:
            found.append(parser.CurrentByteIndex)

    parser = xml.make_parser()
    parser.StartElementHandler = start
    head = b""
    with opened() as stream:
        while not found and (block := stream.read(xml.BLOCK)):
            head += block
            parser.Parse(block, False)
            if len(head) > xml.TOKEN_BYTES:
                raise xml.TooLong
    return head[: found[0]] if found else head


def stated_last_row(head: bytes) -> int | None:
    """The last row by the part's own word (``<dimension ref="A1:E1000"/>``)."""
    found: list[int] = []

    def start(name: str, attributes: list[str]) -> None:
        if name.endswith("dimension"):
            values = dict(zip(attributes[::2], attributes[1::2], strict=True))
            digits = values.get("ref", "").rpartition(":")[2].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ$")
            if digits.isdecimal():
                found.append(int(digits))

    parser = xml.make_parser()
    parser.StartElementHandler = start
    parser.Parse(head, False)
    return min(found[0], LAST_ROW) if found else None


def _row_number(attributes: list[str], previous: int) -> int:
    """The row's number: its ``r``, or one more than the last. Rows stand in their order in every workbook."""
    number = previous + 1
    for position in range(0, len(attributes), 2):
        if attributes[position] == "r":
            number = int(attributes[position + 1])
    if not previous < number <= LAST_ROW:
        raise ValueError("rows out of order")
    return number
