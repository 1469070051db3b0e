"""The texts that a workbook's cells share: each distinct text stands once in the file, cells hold its number.

They are read before the first row can be, and there may be millions: here they lie one after the
other in a temporary file that the operating system maps, eight bytes of memory each, and become Python texts
only when a cell asks.
"""

from __future__ import annotations

import mmap
import re
import tempfile
from array import array
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import IO

from django_messagecentral.campaigns.sheet import xml
from django_messagecentral.conf import MIB

MAX_STRINGS = 25_000_000  # 200 MiB of positions
_ESCAPE = re.compile("_x([0-9A-Fa-f]{4})_")
_NAMES = xml.element_names(("si", "t", "rPh"))

# The shape in which spreadsheet programs write texts without formatting; it is read several times faster.
# Such items one after the other, straight after the opening tag, can mean nothing else than they seem to.
_TEXT = rb"([^<&\r\x00-\x08]*(?:&(?:amp|lt|gt|quot|apos);[^<&\r\x00-\x08]*)*)"
_ITEM = re.compile(rb'<si><t(?: xml:space="preserve")?>' + _TEXT + rb"</t></si>")
_ITEMS = re.compile(rb'(?:<si><t(?: xml:space="preserve")?>' + _TEXT + rb"</t></si>)*+")
_HEAD = re.compile(
    rb'(?:\xef\xbb\xbf)?<\?xml version="1\.0" encoding="(?i:utf-8)"(?: standalone="yes")?\s?\?>\s*'
    rb'<sst xmlns="http://schemas\.openxmlformats\.org/spreadsheetml/2006/main"(?: [a-zA-Z]+="\d+")*>'
)
_ENTITY = re.compile(rb"&(amp|lt|gt|quot|apos);")
_ENTITIES = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}


def unescaped(text: str) -> str:
    """``text`` with Excel's ``_x000D_`` read as the character it stands for; control characters are left out,
    since no phone shows them and no database takes all of them.
    """
    if "_x" in text:
        text = _ESCAPE.sub(_escaped_character, text)
    return text.strip()


def _escaped_character(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    if character in "\t\n\r":
        return "\n" if character == "\r" else character
    return character if character.isprintable() else ""


class _NotPlain(Exception):
    """The part holds more than plain items: it needs a real parser."""


class SharedStrings:
    """The texts by number. ``opened`` opens the part. Raises ``IndexError`` for a number the table lacks."""

    def __init__(self, opened: Callable[[], IO[bytes]] | None = None) -> None:
        self._ends = array("Q", [0])
        self._file = tempfile.TemporaryFile(prefix="messagecentral-strings-")  # noqa: SIM115 - see close()
        self._map: mmap.mmap | bytes = b""
        try:
            if opened is not None:
                self._load(opened)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if isinstance(self._map, mmap.mmap):
            self._map.close()
        self._file.close()

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError(number)
        return self._map[self._ends[number] : self._ends[number + 1]].decode().strip()

    def _load(self, opened: Callable[[], IO[bytes]]) -> None:
        try:
            with opened() as stream:
                self._fill(_plain_texts(stream))
        except _NotPlain:
            with opened() as stream:
                self._fill(_parsed_texts(stream))
        if self._ends[-1]:
            self._map = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)

    def _fill(self, groups: Iterator[list[bytes]]) -> None:
        self._file.truncate(self._file.seek(0))
        del self._ends[1:]
        for texts in groups:
            self._file.write(b"".join(texts))
            last = self._ends.pop()
            self._ends.extend(accumulate(map(len, texts), initial=last))
            if len(self._ends) > MAX_STRINGS:
                raise xml.TooLong
        self._file.flush()


def _plain_texts(stream: IO[bytes]) -> Iterator[list[bytes]]:
    """The texts of a part that is nothing but plain items. Raises :class:`_NotPlain` otherwise."""
    rest = stream.read(MIB)
    head = _HEAD.match(rest)
    if head is None:
        raise _NotPlain
    rest = rest[head.end() :]
    while True:
        block = stream.read(MIB)
        rest += block
        end = rest.rfind(b"</si>") + 5 if block or b"</si>" in rest else 0
        if end > 4:
            items, rest = rest[:end], rest[end:]
            if not _ITEMS.fullmatch(items):
                raise _NotPlain
            yield _shown(items)
        if not block:
            if rest.strip() != b"</sst>":
                raise _NotPlain
            return
        if len(rest) > MIB:
            raise _NotPlain


def _shown(items: bytes) -> list[bytes]:
    texts: list[bytes] = _ITEM.findall(items)
    if b"&" in items:
        texts = [_ENTITY.sub(lambda match: _ENTITIES[match[1]], text) for text in texts]
    if b"_x" in items:
        texts = [unescaped(text.decode()).encode() for text in texts]
    items.decode()  # invalid UTF-8 is told at once, not in the middle of the import
    return texts


def _parsed_texts(stream: IO[bytes]) -> Iterator[list[bytes]]:
    """The texts in their order, in UTF-8, ready to be shown."""
    gathered: list[bytes] = []
    runs: list[str] = []
    length = 0
    taking = False
    phonetic = 0  # inside hints of pronunciation, which the cell does not show

    def start(name: str, _attributes: list[str]) -> None:
        nonlocal taking, phonetic
        tag = _NAMES.get(name)
        if tag == "t":
            taking = not phonetic
        elif tag == "rPh":
            phonetic += 1

    def end(name: str) -> None:
        nonlocal taking, phonetic, length
        tag = _NAMES.get(name)
        if tag == "t":
            taking = False
        elif tag == "rPh":
            phonetic -= 1
        elif tag == "si":
            gathered.append(unescaped("".join(runs)).encode())
            runs.clear()
            length = 0

    def characters(data: str) -> None:
        nonlocal length
        if taking:
            length += len(data)
            if length > xml.TEXT_CHARACTERS:
                raise xml.TooLong
            runs.append(data)

    parser = xml.make_parser()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = characters
    for _ in xml.feed(parser, stream):
        yield list(gathered)
        gathered.clear()
