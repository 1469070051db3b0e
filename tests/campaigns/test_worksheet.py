"""A worksheet is read as spreadsheet programs mean it, however it is written, and from any row on."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from contextlib import closing
from datetime import date, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import sheets
from django_messagecentral.campaigns.sheet import worksheet, xml
from django_messagecentral.campaigns.sheet.cells import cell_text
from django_messagecentral.campaigns.sheet.celltexts import CellTexts
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.campaigns.sheet.rows import SheetRow, unguarded
from django_messagecentral.campaigns.sheet.strings import (
    SharedStrings,
    _NotPlain,
    _parsed_texts,
    _plain_texts,
)
from django_messagecentral.campaigns.sheet.styles import Styles
from django_messagecentral.campaigns.sheet.workbook import Workbook

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
HEADER = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>Mobile</t></is></c>'
    '<c r="C1" t="inlineStr"><is><t>c</t></is></c></row>'
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
STRINGS = ["zero", " one ", "#N/A", "'=two", "3 & 4"]
FORMATS = [
    "General",
    "0.00",
    "#,##0",
    "#,##0.00",
    "00000",
    "dd/mm/yyyy",
    "0%",
    "@",
    "[h]:mm",
    'yyyy"-"mm',
    "h:mm AM/PM",
]


def book(rows: str, strings: str = "", *, head: str = f'<worksheet xmlns="{MAIN}"><sheetData>') -> io.BytesIO:
    """A workbook whose sheet and shared texts are written by hand."""
    stream = io.BytesIO()
    sheets.write(stream, 1)
    source, target = zipfile.ZipFile(stream), io.BytesIO()
    shared = strings or "".join(f"<si><t>{text.replace('&', '&amp;')}</t></si>" for text in STRINGS)
    with zipfile.ZipFile(target, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name.endswith("sheet1.xml"):
                content = f"{DECLARATION}{head}{HEADER}{rows}</sheetData></worksheet>".encode()
            elif name.endswith("sharedStrings.xml"):
                content = (
                    f'<?xml version="1.0" encoding="UTF-8"?>\n<sst xmlns="{MAIN}">{shared}</sst>'.encode()
                )
            archive.writestr(name, content)
    return target


def rows_of(stream: io.BytesIO | str) -> list[SheetRow]:
    with Workbook(stream) as opened:
        return list(opened.rows())


def told(rows: list[SheetRow]) -> list[tuple[int, list[str], dict[int, str]]]:
    return [(row.number, row.cells, row.problems) for row in rows]


def parsed(rows: str) -> list[tuple[int, list[str], dict[int, str]]]:
    """The same rows by the XML parser alone."""
    formats = ["General", "dd/mm/yyyy", "#,##0.00"]
    with (
        zipfile.ZipFile(book(rows)) as archive,
        archive.open("xl/worksheets/sheet1.xml") as part,
        closing(SharedStrings(partial(archive.open, "xl/sharedStrings.xml"))) as strings,
    ):
        texts = CellTexts(strings, Styles(formats, locale="en", epoch_1904=False))
        return told([row for row in worksheet.walk(part, texts, width=3) if row.number > 1])


CELLS = st.sampled_from(
    [
        '<c r="{}"><v>5</v></c>',
        '<c r="{}" s="2"><v>1234.5</v></c>',
        '<c r="{}" s="1"><v>45232</v></c>',
        '<c r="{}" s="0" t="n"><v>1.5E3</v></c>',
        '<c r="{}" t="s"><v>1</v></c>',
        '<c r="{}" t="s"><v>2</v></c>',
        '<c r="{}" t="s" s="1"><v>3</v></c>',
        '<c r="{}" t="str"><v> &lt;a&gt; &amp; b</v></c>',
        '<c r="{}" t="inlineStr"><is><t xml:space="preserve"> in &quot; line </t></is></c>',
        '<c r="{}" t="inlineStr"><is><r><t>ri</t></r><r><t>ch</t></r><rPh><t>no</t></rPh></is></c>',
        '<c r="{}" t="b"><v>1</v></c>',
        '<c r="{}" t="e"><v>#REF!</v></c>',
        '<c r="{}" t="d"><v>2026-01-02</v></c>',
        '<c r="{}" s="1"/>',
        '<c r="{}"></c>',
        '<c r="{}"><f>A1</f></c>',
        '<c r="{}"><f t="shared" si="0"/><v></v></c>',
        '<c r="{}" t="str"><f>A1</f><v></v></c>',
        '<c r="{}"><f>A1&lt;3</f><v>7</v></c>',
        '<c r="{}"><!-- six --><v><![CDATA[6]]></v></c>',
        "<c  r='{}' ><v>7</v></c >",
        '<c r="{}" t="str"><v>_x0041_\u20ac&#66;</v></c>',
    ]
)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("ABCD"), CELLS), max_size=4, unique_by=lambda c: c[0]), max_size=12
    )
)
@settings(deadline=None, max_examples=60)
def test_rows_in_the_usual_shape_and_in_any_other_are_read_alike(rows: list[list[tuple[str, str]]]) -> None:
    text = ""
    for number, cells in enumerate(rows, 2):
        inside = "".join(cell.format(f"{letter}{number}") for letter, cell in sorted(cells))
        text += f'<row r="{number}" spans="1:4">{inside}</row>' if cells else f'<row r="{number}"/>'
    opened = rows_of(book(text))
    assert told(opened) == parsed(text)
    with Workbook(book(text)) as again:
        for index, row in enumerate(opened):
            assert told(list(again.rows(row.number, row.offset))) == told(opened[index + 1 :])


VALUES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=10).map(lambda s: s.lstrip("=")),
    st.integers(-(10**15), 10**15),
    st.floats(-1e12, 1e12, allow_nan=False).map(lambda f: round(f, 4)),
    st.booleans(),
    st.none(),
    st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1)).map(lambda d: d.replace(microsecond=0)),
)


@given(st.lists(st.tuples(VALUES, st.sampled_from(FORMATS)), min_size=1, max_size=20))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_the_cells_are_those_that_openpyxl_reads(values: list[tuple[Any, str]]) -> None:
    made = openpyxl.Workbook()
    made.active.append(["Mobile", "value"])
    for value, number_format in values:
        made.active.append([1, value])
        is_date_format = any(c in number_format for c in "ymh")
        if isinstance(value, datetime) == is_date_format:
            made.active.cell(made.active.max_row, 2).number_format = number_format
    stream = io.BytesIO()
    made.save(stream)
    opened = openpyxl.load_workbook(stream, read_only=True, data_only=True)
    expected = [
        [
            unguarded(cell_text(cell.value, cell.number_format)) if cell.value is not None else ""
            for cell in row
        ]
        for row in opened.worksheets[0].iter_rows(min_row=2, max_col=2)
    ]
    assert [[*row.cells, ""][:2] for row in rows_of(stream)] == expected


@pytest.mark.parametrize(
    "rows",
    [
        '<row r="3"><c r="A3"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>',
        '<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>',
        '<row r="2"><c r="A2" t="s"><v>99</v></c></row>',
        '<row r="2"><c r="A2" t="s"><v>-1</v></c></row>',
        '<row r="2"><c r="A2"><v>five</v></c></row>',
        '<row r="2"><c r="A2"><v>nan</v></c></row>',
        '<row r="2"><c r="ÄÖ2"><v>1</v></c></row>',
        '<row r="2"><c r="A2"><v>1</v></row>',
        '<row r="9999999"><c r="A2"><v>1</v></c></row>',
        '<row r="2"><c r="A2" t="inlineStr"><is><t>' + "<!---->x" * 200_000 + "</t></is></c></row>",
        '<row r="2"><c r="A2" t="' + "x" * 9_000_000 + '"/></row>',
    ],
    ids=range(11),
)
def test_what_no_spreadsheet_program_writes_is_damage(rows: str) -> None:
    with pytest.raises(UnusableSheet) as caught:
        rows_of(book(rows))
    assert caught.value.code == "damaged"


def test_other_namespaces_prefixes_and_encodings() -> None:
    strict = f'<x:worksheet xmlns:x="{xml._MAIN[1]}"><x:sheetData>'
    inside = HEADER + '<row r="2"><c r="A2"><v>5</v></c></row>'
    prefixed = inside.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
    content = f'<?xml version="1.0" encoding="UTF-16"?>{strict}{prefixed}</x:sheetData></x:worksheet>'.encode(
        "utf-16"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(book("")) as source, zipfile.ZipFile(stream, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, content if name.endswith("sheet1.xml") else source.read(name))
    assert told(rows_of(stream)) == [(2, ["5"], {})]


def test_rows_and_cells_without_a_place_of_their_own_follow_one_another() -> None:
    rows = rows_of(book("<row><c><v>5</v></c><c/><c><v>6</v></c></row><row/><row><c><v>7</v></c></row>"))
    assert told(rows) == [(2, ["5", "", "6"], {}), (4, ["7"], {})]


def test_a_place_that_does_not_hold_its_row_is_not_believed() -> None:
    text = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(2, 30))
    with Workbook(book(text)) as opened:
        whole = list(opened.rows())
        later = xml.BLOCK  # beyond the end
        assert told(list(opened.rows(10, later))) == told(whole[9:])


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), max_size=20))
def test_shared_texts_are_the_same_by_either_reader(texts: list[str]) -> None:
    from xml.sax.saxutils import escape

    items = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)
    part = f'{DECLARATION}<sst xmlns="{MAIN}" count="3">{items}</sst>'.encode()
    slow = [text.decode() for group in _parsed_texts(io.BytesIO(part)) for text in group]
    quick = [text.decode().strip() for group in _plain_texts(io.BytesIO(part)) for text in group]
    assert slow == quick
    with pytest.raises(_NotPlain):
        list(_plain_texts(io.BytesIO(part.replace(b"</sst>", b"<si><r><t>rich</t></r></si></sst>"))))


def test_rich_and_japanese_shared_texts() -> None:
    strings = (
        "<si><r><t>Ta</t></r><r><rPr><b/></rPr><t>naka</t></r></si>"
        "<si><t>課</t><rPh sb='0' eb='1'><t>カ</t></rPh></si>"
    )
    text = '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c></row>'
    assert rows_of(book(text, strings))[0].cells == ["Tanaka", "課"]


def test_dates_of_the_1904_epoch_and_other_locales(tmp_path: Path) -> None:
    made = openpyxl.Workbook()
    made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    made.active.append(["Mobile", "day", "amount"])
    made.active.append([1, date(2026, 11, 2), 1234.5])
    made.active["B2"].number_format, made.active["C2"].number_format = "dd.mm.yyyy", "#,##0.00"
    made.save(tmp_path / "a.xlsx")
    with Workbook(str(tmp_path / "a.xlsx"), locale="de") as opened:
        assert next(opened.rows()).cells == ["1", "02.11.2026", "1.234,50"]


@given(
    st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,6})?", fullmatch=True),
    st.sampled_from(["0", "0.00", "#,##0", "#,##0.0"]),
)
def test_plain_numbers_are_written_down_as_the_long_way_would(text: str, number_format: str) -> None:
    shown = Styles([number_format], locale="de", epoch_1904=False).number("0")(text)
    assert shown == cell_text(float(text), number_format, "de")


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    path = str(tmp_path / "many.xlsx")
    sheets.write(path, 30_000)
    peaks = []
    tracemalloc.start()
    try:
        with Workbook(path) as opened:
            rows = iter(opened.rows())
            for taken in (5_000, 25_000):  # the first ones fill the buffers
                tracemalloc.reset_peak()
                assert sum(1 for _ in islice(rows, taken)) == taken
                peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.1 + 500_000


def test_shared_texts_cost_eight_bytes_each_however_long_they_are() -> None:
    def part(count: int) -> bytes:
        main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        items = "".join(f"<si><t>{n:060}</t></si>" for n in range(count))
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<sst xmlns="{main}">{items}</sst>'.encode()

    peaks = []
    for count in (50_000, 150_000):  # 4 and 12 MiB: both more than the pieces that are read at once
        written = part(count)
        tracemalloc.start()
        with closing(SharedStrings(lambda: io.BytesIO(written))) as texts:  # noqa: B023
            assert texts[count - 1] == f"{count - 1:060}"
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 100_000 * 8 * 2  # an array grows by doubling, more or less


@override_settings(MESSAGECENTRAL={"UPLOAD_MAX_COLUMNS": 60})
def test_fifty_columns(tmp_path: Path) -> None:
    sheets.write(str(tmp_path / "a.xlsx"), 30, 50)
    rows = rows_of(str(tmp_path / "a.xlsx"))
    assert len(rows) == 30
    assert rows[7].cells[-1] == "7"
