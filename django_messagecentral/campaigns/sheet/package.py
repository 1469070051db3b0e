"""The parts of a workbook: which sheets it has, where they are in the zip, and their number formats.

The small parts are read whole through defusedxml; the two that grow with the rows (the sheet and the
shared texts) are streamed elsewhere.
"""

from __future__ import annotations

import posixpath
import zipfile
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import unquote

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]
from openpyxl.styles.numbers import BUILTIN_FORMATS

from django_messagecentral.campaigns.sheet.cells import GENERAL
from django_messagecentral.conf import MIB

SMALL_PART_BYTES = 32 * MIB  # a workbook.xml or styles.xml above this is no honest one


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One worksheet: its name in the tabs, its path in the zip, whether people see it."""

    name: str
    path: str
    visible: bool


class Package:
    """An open workbook file. Raises what zipfile and defusedxml raise when it is broken."""

    def __init__(self, file: str | IO[bytes]) -> None:
        self.archive = zipfile.ZipFile(file)
        try:
            self._names = {name.lower(): name for name in self.archive.namelist()}
            self._read_workbook()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.archive.close()

    def has(self, path: str) -> bool:
        return path.lower() in self._names

    def open(self, path: str) -> IO[bytes]:
        """The unpacked part; Python's zipfile never unpacks more than the part's entry claims."""
        return self.archive.open(self._names[path.lower()])

    def _tree(self, path: str) -> Any:
        name = self._names[path.lower()]
        if self.archive.getinfo(name).file_size > SMALL_PART_BYTES:
            raise ValueError(f"{name} is too large")
        return fromstring(self.archive.read(name), forbid_dtd=True)

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Relation id -> (last word of its type, path in the zip) of ``part``."""
        folder, name = posixpath.split(part)
        path = posixpath.join(folder, "_rels", f"{name}.rels")
        if not self.has(path):
            return {}
        relations = {}
        for relation in self._tree(path):
            target = unquote(relation.get("Target", ""))
            joined = target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target)
            kind = relation.get("Type", "").rsplit("/", 1)[-1]
            relations[relation.get("Id", "")] = (kind, posixpath.normpath(joined))
        return relations

    def _read_workbook(self) -> None:
        roots = [path for kind, path in self._relations("").values() if kind == "officeDocument"]
        workbook = roots[0] if roots else "xl/workbook.xml"
        tree, relations = self._tree(workbook), self._relations(workbook)
        self.sheets: list[SheetPart] = []
        self.epoch_1904 = False
        for element in tree.iter():
            tag = _local(element.tag)
            if tag == "workbookPr":
                self.epoch_1904 = element.get("date1904") in ("1", "true")
            elif tag == "sheet":
                relation = next((value for key, value in element.items() if _local(key) == "id"), "")
                kind, path = relations.get(relation, ("", ""))
                if kind == "worksheet" and self.has(path):
                    visible = element.get("state", "visible") == "visible"
                    self.sheets.append(SheetPart(element.get("name", ""), path, visible))
        paths = dict(relations.values())
        self.strings_path: str | None = paths.get("sharedStrings")
        self._styles_path: str | None = paths.get("styles")

    def number_formats(self) -> list[str]:
        """The number format of each cell style, by the style's index."""
        if self._styles_path is None or not self.has(self._styles_path):
            return []
        own: dict[int, str] = {}
        formats: list[str] = []
        for element in self._tree(self._styles_path):
            tag = _local(element.tag)
            if tag == "numFmts":
                own = {int(item.get("numFmtId", 0)): item.get("formatCode", GENERAL) for item in element}
            elif tag == "cellXfs":
                for style in element:
                    number = int(style.get("numFmtId", 0))
                    formats.append(own.get(number) or BUILTIN_FORMATS.get(number, GENERAL))
        return formats


def _local(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]
