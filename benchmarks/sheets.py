"""Workbooks as Excel writes them: shared texts, and a date and an amount with number formats."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from typing import IO

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_NAMES = ("Asha", "Ravi", "Meena", "John", "Zoë", "Li", "Omar", "Ana", "Priya", "Tom")
_SPREAD = 7919  # a prime: neighbours in the sheet are no neighbours in the number plan
GROUP = 10_000  # rows written at once


def write(path: str | IO[bytes], rows: int, columns: int = 5) -> None:
    """``Country, Mobile, var1, var2 ...`` with ``rows`` different Indian mobiles. ``columns``:
    at least five.
    """
    content = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "workbook": "sheet.main",
        "worksheets/sheet1": "worksheet",
        "styles": "styles",
        "sharedStrings": "sharedStrings",
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        overrides = "".join(
            f'<Override PartName="/xl/{name}.xml" ContentType="{content}.{kind}+xml"/>'
            for name, kind in parts.items()
        )
        archive.writestr(
            "[Content_Types].xml",
            f'{_DECLARATION}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
            f'"application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>',
        )
        archive.writestr("_rels/.rels", _relations(officeDocument="xl/workbook.xml"))
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            _relations(
                worksheet="worksheets/sheet1.xml", styles="styles.xml", sharedStrings="sharedStrings.xml"
            ),
        )
        archive.writestr(
            "xl/workbook.xml",
            f'{_DECLARATION}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            '<sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/styles.xml",
            f'{_DECLARATION}<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode='
            '"dd/mm/yyyy"/></numFmts><fonts count="1"><font/></fonts><fills count="1">'
            "<fill><patternFill/></fill></fills><borders "
            'count="1"><border/></borders><cellStyleXfs count="1"><xf numFmtId="0"/></cellStyleXfs><cellXfs '
            'count="3"><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="4"/></cellXfs></styleSheet>',
        )
        header = ["Country", "Mobile", *(f"var{n}" for n in range(1, columns - 1))]
        head = "".join(f'<c r="{_letters(n)}1" t="s"><v>{n}</v></c>' for n in range(columns))
        last = f"{_letters(columns - 1)}{rows + 1}"
        _stream(
            archive,
            "xl/worksheets/sheet1.xml",
            f'<worksheet xmlns="{_MAIN}"><dimension ref="A1:{last}"/><sheetData>'
            f'<row r="1" spans="1:{columns}">{head}</row>',
            _row_writer(columns),
            rows,
            "</sheetData></worksheet>",
        )
        names = "".join(f"<si><t>{name}</t></si>" for name in header)
        _stream(
            archive,
            "xl/sharedStrings.xml",
            f'<sst xmlns="{_MAIN}" count="{rows + columns}" uniqueCount="{rows + columns}">{names}',
            lambda i: f"<si><t>{_NAMES[i % 10]} {i}</t></si>",
            rows,
            "</sst>",
        )


def _row_writer(columns: int) -> Callable[[int], str]:
    more = [_letters(n) for n in range(5, columns)]

    def row(i: int) -> str:
        n = i + 2
        extra = "".join(f'<c r="{letters}{n}"><v>{i}</v></c>' for letters in more)
        return (
            f'<row r="{n}" spans="1:{columns}"><c r="A{n}"><v>91</v></c>'
            f'<c r="B{n}"><v>{9_000_000_000 + i * _SPREAD % 999_999_937}</v></c>'
            f'<c r="C{n}" t="s"><v>{i + columns}</v></c><c r="D{n}" s="2"><v>{i % 100_000 / 100}</v></c>'
            f'<c r="E{n}" s="1"><v>{45_000 + i % 700}</v></c>{extra}</row>'
        )

    return row


def _stream(
    archive: zipfile.ZipFile, name: str, head: str, item: Callable[[int], str], count: int, tail: str
) -> None:
    with archive.open(name, "w", force_zip64=True) as part:
        part.write((_DECLARATION + head).encode())
        for first in range(0, count, GROUP):
            part.write("".join(item(i) for i in range(first, min(first + GROUP, count))).encode())
        part.write(tail.encode())


def _relations(**targets: str) -> str:
    items = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets.items(), 1)
    )
    return f'{_DECLARATION}<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>'


def _letters(position: int) -> str:
    """0 -> "A", 26 -> "AA"."""
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
