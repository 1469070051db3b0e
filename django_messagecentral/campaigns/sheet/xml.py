"""A streaming XML parser for the two parts of a workbook that grow with its rows.

It is expat itself, since a Python object for each element costs more than everything else an import does.
It keeps defusedxml's rule in its strictest form: a document type declaration, without which there are
no entities, ends the reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO
from xml.parsers import expat

from defusedxml.common import DTDForbidden  # type: ignore[import-untyped]

from django_messagecentral.conf import MIB

BLOCK = 64 * 1024  # bytes handed to the parser at once
TOKEN_BYTES = 8 * MIB  # a single tag or attribute above this is an attack on the memory
TEXT_CHARACTERS = 100_000  # a cell holds 32,767 at most
_MAIN = (
    "http://schemas.openxmlformats.org/spreadsheetml/2006/main",
    "http://purl.oclc.org/ooxml/spreadsheetml/main",  # "Strict Open XML Spreadsheet"
)


class TooLong(ValueError):
    """A text or a tag longer than any spreadsheet program writes."""


def element_names(names: Iterable[str]) -> dict[str, str]:
    """Name as the parser tells it (with its namespace, or without any) -> local name."""
    return {f"{prefix}{name}": name for name in names for prefix in ("", *(f"{ns}}}" for ns in _MAIN))}


def make_parser() -> expat.XMLParserType:
    """A parser without handlers, whose attributes come as a flat list: name, value, name, value ..."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.ordered_attributes = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(name: str, system_id: str | None, public_id: str | None, _has_subset: object) -> None:
    raise DTDForbidden(name, system_id, public_id)


def feed(parser: expat.XMLParserType, stream: IO[bytes], fed: int = 0) -> Iterator[None]:
    """Parse ``stream`` block by block; the caller takes what the handlers gathered after each. ``fed`` is the
    number of bytes that the parser has already.
    """
    while block := stream.read(BLOCK):
        parser.Parse(block, False)
        fed += len(block)
        if fed - parser.CurrentByteIndex > TOKEN_BYTES:
            raise TooLong
        yield
    parser.Parse(b"", True)
    yield
