"""A list as text: whatever program wrote it, its rows are read, or the answer says what to do."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.campaigns.sheet.filecheck import OLE_MAGIC, check_file
from django_messagecentral.campaigns.sheet.opening import open_sheet
from django_messagecentral.campaigns.sheet.recipients import Recipient, Rejection, RowReader
from django_messagecentral.campaigns.sheet.textlist import TextList
from tests.conftest import SheetMaker

LIST = "Country,Mobile,var1\r\n91,98765 43210,Asha\r\n91,9876543211,Zoë\r\n"


def read(path: Path, text: str = "Hi ##var1##") -> list[Recipient | Rejection]:
    with open(path, "rb") as file:
        kind = check_file(file, path.stat().st_size, path.name)
    with open_sheet(str(path), kind, locale="en") as sheet:
        judge = RowReader(sheet.columns, text)
        return [judge.read(row) for row in sheet.rows()]


def save(tmp_path: Path, content: bytes, name: str = "list.csv") -> Path:
    (tmp_path / name).write_bytes(content)
    return tmp_path / name


def names(answers: list[Recipient | Rejection]) -> list[str]:
    return [a.variables[0] for a in answers if isinstance(a, Recipient)]


def refused(path: Path, text: str = "Hi ##var1##") -> UnusableSheet:
    with pytest.raises(UnusableSheet) as caught:
        read(path, text)
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252", "mac_roman"])
def test_the_encoding_is_detected(tmp_path: Path, encoding: str) -> None:
    text = LIST + "91,9876543212,Müller-Lüdenscheidt\r\n91,9876543213,François Élysée\r\n"
    assert names(read(save(tmp_path, text.encode(encoding))))[1:] == [
        "Zoë",
        "Müller-Lüdenscheidt",
        "François Élysée",
    ]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("cp1251", "Екатерина Васильевна"),
        ("cp932", "鈴木一郎さん、東京都"),
        ("gb18030", "王小明，北京市海淀区"),
    ],
)
def test_other_scripts(tmp_path: Path, encoding: str, name: str) -> None:
    rows = "".join(f"91,98765432{n:02},{name}\r\n" for n in range(20))
    found = names(read(save(tmp_path, ("Country,Mobile,var1\r\n" + rows).encode(encoding))))
    assert found == [name] * 20


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_detected(tmp_path: Path, delimiter: str) -> None:
    content = LIST.replace(",", delimiter).encode()
    assert names(read(save(tmp_path, content))) == ["Asha", "Zoë"]


def test_excels_own_word_on_the_delimiter_wins_and_is_no_row(tmp_path: Path) -> None:
    rows = read(save(tmp_path, b"sep=;\r\nMobile;var1\r\n+919876543210;a,b,c,d\r\n"))
    assert [(r.row_number, r.variables) for r in rows if isinstance(r, Recipient)] == [(2, ["a,b,c,d"])]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_programs_newlines(tmp_path: Path, newline: str) -> None:
    assert names(read(save(tmp_path, LIST.replace("\r\n", newline).encode()))) == ["Asha", "Zoë"]


def test_quotes_hold_delimiters_and_newlines(tmp_path: Path) -> None:
    content = 'Mobile,var1\n+919876543210,"Asha, ""the\nfirst"""\n+919876543211,Zoë\n'
    assert names(read(save(tmp_path, content.encode()))) == ['Asha, "the\nfirst"', "Zoë"]


def test_row_numbers_count_blank_rows(tmp_path: Path) -> None:
    rows = read(save(tmp_path, b"\nMobile,var1\n\n,,\n+919876543210,Asha\n"))
    assert [row.row_number for row in rows] == [5]


def test_a_million_blank_rows_at_the_end_reject_nothing(tmp_path: Path) -> None:
    assert len(read(save(tmp_path, LIST.encode() + b",,\r\n" * 1_000_000))) == 2


@pytest.mark.parametrize(
    "header", ["MOBILE,country,VAR1", " Mobile ,COUNTRY ,  var1", "var1,Country Code,Mobile Number"]
)
def test_header_case_order_and_spaces_do_not_matter(tmp_path: Path, header: str) -> None:
    values = {"mobile": "9876543210", "country": "91", "var1": "Asha"}
    row = ",".join(next(v for k, v in values.items() if k in name.lower()) for name in header.split(","))
    assert names(read(save(tmp_path, f"{header}\n{row}\n".encode()))) == ["Asha"]


def test_what_an_export_guarded_against_formulas_comes_back_as_it_was(tmp_path: Path) -> None:
    assert names(read(save(tmp_path, b"Mobile,var1\n'+919876543210,'-5\n"))) == ["-5"]


class TestNotUsable:
    def test_no_text(self, tmp_path: Path) -> None:
        assert refused(save(tmp_path, b"\x89PNG\r\n\x1a\n" + b"\0" * 100)).code == "not_text"

    @pytest.mark.parametrize("content", [b"", b" \r\n\r\n"])
    def test_an_empty_file(self, tmp_path: Path, content: bytes) -> None:
        assert refused(save(tmp_path, content)).code == "empty_file"

    def test_only_delimiters(self, tmp_path: Path) -> None:
        assert refused(save(tmp_path, b",,,\n,,,\n")).code == "empty_sheet"

    def test_an_old_xls_by_the_name_of_csv(self, tmp_path: Path) -> None:
        assert refused(save(tmp_path, OLE_MAGIC + b"\0" * 600)).code == "old_xls"

    def test_a_workbook_by_the_name_of_csv_is_read_as_what_it_is(self, make_sheet: SheetMaker) -> None:
        assert names(read(make_sheet([[91, "9876543210", "Asha"]], name="list.csv"))) == ["Asha"]

    def test_no_mobile_column(self, tmp_path: Path) -> None:
        error = refused(save(tmp_path, b"Name;Legs\nAsha;2\n"))
        assert error.code == "no_mobile_column"
        assert "Name, Legs" in str(error)

    def test_two_hundred_columns(self, tmp_path: Path) -> None:
        header = ",".join(["Mobile", *(f"c{n}" for n in range(199))])
        assert refused(save(tmp_path, header.encode())).code == "too_many_columns"

    def test_a_text_that_names_a_column_the_list_lacks(self, tmp_path: Path) -> None:
        error = refused(save(tmp_path, LIST.encode()), "Hi ##shoe size##")
        assert error.code == "missing_variable"
        assert "##shoe size##" in str(error)

    def test_a_quote_that_is_never_closed_names_its_row(self, tmp_path: Path) -> None:
        content = LIST.encode() + b'91,9876543213,"open\r\n' + b"91,9876543214,x\r\n" * 20_000
        error = refused(save(tmp_path, content))
        assert error.code == "broken_text"
        assert "row 4" in str(error)

    def test_an_endless_line(self, tmp_path: Path) -> None:
        assert refused(save(tmp_path, LIST.encode() + b"x" * 3_000_000)).code == "broken_text"

    def test_a_text_over_the_vendors_length_rejects_the_row(self, tmp_path: Path) -> None:
        (row,) = read(save(tmp_path, b"Mobile,var1\n+919876543210," + b"x" * 2000))
        assert isinstance(row, Rejection)
        assert row.code == "text_too_long"

    def test_a_number_that_excel_shortened_in_the_export(self, tmp_path: Path) -> None:
        (row,) = read(save(tmp_path, b"Mobile,var1\n9.19877E+11,Asha\n"))
        assert isinstance(row, Rejection)
        assert "last digits are lost" in row.reason


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=12)


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=15), st.sampled_from(",;\t|"), st.data())
def test_whatever_csv_writes_is_read_and_any_row_is_a_place_to_go_on(
    rows: list[tuple[str, str]], delimiter: str, data: st.DataObject
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([("Mobile", "var1"), *rows])
    with TextList(io.BytesIO(text.getvalue().encode())) as sheet:
        whole = list(sheet.rows())
        expected = [tuple(re.sub(r"\A'(?=[=+\-@\t])", "", cell.strip()) for cell in row) for row in rows]
        assert [(row.number - 2, *row.cells) for row in whole] == [
            (n, *row) for n, row in enumerate(expected) if any(row)
        ]
        if whole:
            place = data.draw(st.sampled_from(whole))
            assert list(sheet.rows(place.number, place.offset)) == whole[whole.index(place) + 1 :]
