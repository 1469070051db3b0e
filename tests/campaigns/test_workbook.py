"""Opening a spreadsheet: whatever an operator uploads, the answer says what to do."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings
from openpyxl import Workbook as Book
from openpyxl.styles import PatternFill

from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.campaigns.sheet.recipients import Recipient, Rejection, RowReader
from django_messagecentral.campaigns.sheet.workbook import OLE_MAGIC, Workbook, check_file
from tests.conftest import SheetMaker

GOOD = [91, "9876543210", "Asha", "100", "1 May"]


def refused(path: Path, text: str = "Hi ##var##") -> UnusableSheet:
    with pytest.raises(UnusableSheet) as caught:
        take(path, text)
    return caught.value


def take(path: Path, text: str) -> None:
    with open(path, "rb") as file:
        check_file(file, path.stat().st_size)
    with Workbook(str(path)) as book:
        RowReader(book.columns, text)


def read(path: Path, text: str = "Hi ##var##") -> list[Recipient | Rejection]:
    with Workbook(str(path)) as book:
        reader = RowReader(book.columns, text)
        return [reader.read(row) for row in book.rows()]


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


class TestNotAUsableFile:
    def test_a_text_file_by_the_name_of_xlsx(self, tmp_path: Path) -> None:
        error = refused(write(tmp_path / "list.xlsx", b"Country,Mobile\n91,9876543210\n"))
        assert error.code == "not_xlsx"
        assert "save the list as" in str(error).lower()

    def test_a_zip_that_is_no_workbook(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as archive:
            archive.writestr("holiday.jpg", b"...")
        assert refused(tmp_path / "a.xlsx").code == "not_xlsx"

    def test_an_empty_file(self, tmp_path: Path) -> None:
        assert refused(write(tmp_path / "a.xlsx", b"")).code == "empty_file"

    def test_an_encrypted_workbook(self, tmp_path: Path) -> None:
        content = OLE_MAGIC + b"\0" * 500 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 500
        error = refused(write(tmp_path / "a.xlsx", content))
        assert error.code == "encrypted"
        assert "password" in str(error)

    def test_an_old_xls(self, tmp_path: Path) -> None:
        error = refused(write(tmp_path / "a.xlsx", OLE_MAGIC + b"\0" * 2000))
        assert error.code == "old_xls"

    def test_a_workbook_cut_off_in_transfer(self, make_sheet: SheetMaker, tmp_path: Path) -> None:
        content = make_sheet([GOOD] * 50).read_bytes()
        assert refused(write(tmp_path / "cut.xlsx", content[: len(content) // 2])).code == "not_xlsx"

    def test_a_workbook_with_broken_xml(self, make_sheet: SheetMaker, tmp_path: Path) -> None:
        path = rewrite(make_sheet([GOOD]), tmp_path, "xl/workbook.xml", lambda xml: xml[: len(xml) // 2])
        assert refused(path).code == "damaged"

    def test_a_zip_bomb_is_refused_from_the_zips_directory(
        self, make_sheet: SheetMaker, tmp_path: Path
    ) -> None:
        path = rewrite(
            make_sheet([GOOD]), tmp_path, "xl/media/zeros.bin", lambda _: b"\0" * (4 * 1024 * 1024)
        )
        with override_settings(MESSAGECENTRAL={"UPLOAD_MAX_UNZIPPED_BYTES": 1024 * 1024}):
            assert refused(path).code == "too_large_unzipped"

    def test_an_entity_bomb_is_not_expanded(self, make_sheet: SheetMaker, tmp_path: Path) -> None:
        bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;">]>'

        def arm(xml: bytes) -> bytes:
            return bomb + xml.split(b"?>", 1)[-1].replace(b"<sheetData>", b"<!-- &b; --><sheetData>")

        path = rewrite(make_sheet([GOOD]), tmp_path, "xl/worksheets/sheet1.xml", arm)
        assert refused(path).code == "damaged"

    def test_a_file_over_the_limit(self, make_sheet: SheetMaker) -> None:
        with override_settings(MESSAGECENTRAL={"UPLOAD_MAX_BYTES": 1000}):
            assert refused(make_sheet([GOOD])).code == "too_large"


def rewrite(path: Path, tmp_path: Path, entry: str, change: Any) -> Path:
    """The workbook with one entry changed or added."""
    target = tmp_path / "rewritten.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as copy:
        for name in source.namelist():
            if name != entry:
                copy.writestr(name, source.read(name))
        copy.writestr(entry, change(source.read(entry) if entry in source.namelist() else b""))
    return target


class TestColumns:
    def test_an_empty_sheet(self, make_sheet: SheetMaker) -> None:
        error = refused(make_sheet([], header=None))
        assert error.code == "empty_sheet"
        assert "Country, Mobile, var1" in str(error)

    def test_no_mobile_column(self, make_sheet: SheetMaker) -> None:
        error = refused(make_sheet([GOOD], header=["Country", "Number of legs", "var1"]))
        assert error.code == "no_mobile_column"
        assert "Number of legs" in str(error)

    def test_a_list_without_a_header_row(self, make_sheet: SheetMaker) -> None:
        assert refused(make_sheet([GOOD], header=None)).code == "no_mobile_column"

    def test_two_hundred_columns(self, make_sheet: SheetMaker) -> None:
        error = refused(make_sheet([], header=["Mobile", *[f"c{n}" for n in range(199)]]))
        assert error.code == "too_many_columns"
        assert "200" in str(error)
        assert "100" in str(error)

    def test_a_text_that_names_a_column_the_sheet_lacks(self, make_sheet: SheetMaker) -> None:
        error = refused(make_sheet([GOOD]), "Hi ##var## ##var7## ##shoe size##")
        assert error.code == "missing_variable"
        assert "##var7##, ##shoe size##" in str(error)
        assert "var1, var2, var3" in str(error)

    @pytest.mark.parametrize(
        "header",
        [
            ["MOBILE", "country", "VAR1"],
            [" Mobile ", "COUNTRY ", "  var1"],
            ["mobile number", "Country Code", "Var1"],
            ["Mobile_No", "country", "var1"],
            ["Phone", "Country", "var1"],
        ],
    )
    def test_case_order_and_spaces_do_not_matter(self, make_sheet: SheetMaker, header: list[str]) -> None:
        assert read(make_sheet([["9876543210", 91, "Asha"]], header=header)) == [
            Recipient(2, "+919876543210", "IN", ["Asha"], 1)
        ]

    def test_blank_lines_and_empty_columns_around_the_list(self, make_sheet: SheetMaker) -> None:
        rows = [[], [], [None, "Country", None, "Mobile", "var1"], [], [None, 91, None, "9876543210", "Asha"]]
        assert read(make_sheet(rows, header=None)) == [Recipient(5, "+919876543210", "IN", ["Asha"], 1)]

    def test_the_list_may_be_on_a_later_sheet_and_hidden_sheets_do_not_count(self, tmp_path: Path) -> None:
        book = Book()
        book.active.append(["Read me first"])
        hidden = book.create_sheet("old")
        hidden.append(["Mobile", "var1"])
        hidden.append(["+919999999999", "Old"])
        hidden.sheet_state = "hidden"
        book.create_sheet("list").append(["Mobile", "var1"])
        book["list"].append(["+91 98765 43210", "Asha"])
        book.save(tmp_path / "a.xlsx")
        assert [row.phone for row in read(tmp_path / "a.xlsx") if isinstance(row, Recipient)] == [
            "+919876543210"
        ]


class TestRows:
    @pytest.mark.parametrize(
        "typed",
        [
            9876543210,
            9876543210.0,
            "98765 43210",
            " 98765-43210 ",
            "+91 98765 43210",
            "919876543210",
            "09876543210",
            "9.19876543210e11",
            "'9876543210",
            "９８７６５４３２１０",
        ],
    )
    def test_a_number_in_any_spelling(self, make_sheet: SheetMaker, typed: object) -> None:
        (row,) = read(make_sheet([[91, typed, "Asha"]]))
        assert isinstance(row, Recipient), row
        assert row.phone == "+919876543210"

    @pytest.mark.parametrize(
        ("row", "code"),
        [
            ([91, "12345", "Asha"], "phone_too_short"),
            ([91, None, "Asha"], "phone_empty"),
            ([91, "call me", "Asha"], "phone_not_a_number"),
            ([None, "9876543210", "Asha"], "phone_no_country"),
            (["Atlantis", "9876543210", "Asha"], "phone_unknown_country"),
            ([44, "+919876543210", "Asha"], "phone_country_mismatch"),
            ([91, "9876543210", None], "empty_variable"),
            ([91, "9876543210", "x" * 2000], "text_too_long"),
        ],
    )
    def test_a_row_that_cannot_be_used_says_why(
        self, make_sheet: SheetMaker, row: list[Any], code: str
    ) -> None:
        (rejected,) = read(make_sheet([row]))
        assert isinstance(rejected, Rejection), rejected
        assert (rejected.row_number, rejected.code) == (2, code)
        assert len(rejected.reason) > 10

    @override_settings(MESSAGECENTRAL={"ALLOWED_COUNTRIES": ["GB"]})
    def test_a_country_that_is_not_allowed(self, make_sheet: SheetMaker) -> None:
        (rejected,) = read(make_sheet([GOOD]))
        assert isinstance(rejected, Rejection)
        assert rejected.code == "country_not_allowed"

    @override_settings(MESSAGECENTRAL={"DEFAULT_REGION": "IN"})
    def test_without_a_country_column_the_sites_own_region_counts(self, make_sheet: SheetMaker) -> None:
        (row,) = read(make_sheet([["9876543210", "Asha"]], header=["Mobile", "var1"]))
        assert isinstance(row, Recipient)
        assert row.phone == "+919876543210"

    def test_a_formula_without_a_stored_value_is_rejected_and_one_with_a_value_counts(
        self, make_sheet: SheetMaker, tmp_path: Path
    ) -> None:
        path = make_sheet([[91, "9876543210", "=A2"], [91, "9876543211", "=B2"]])

        def store(xml: bytes) -> bytes:  # what Excel writes when it saves: the value beside the formula
            stored = re.sub(rb"<f>A2</f><v ?/>", b"<f>A2</f><v>91</v>", xml)
            assert stored != xml
            return stored

        good, bad = read(rewrite(path, tmp_path, "xl/worksheets/sheet1.xml", store))
        assert isinstance(good, Recipient)
        assert good.variables[0] == "91"
        assert isinstance(bad, Rejection)
        assert bad.code == "formula_without_value"
        assert "Open the workbook in Excel, save it" in bad.reason

    def test_a_formula_in_a_column_that_nobody_uses_does_no_harm(self, make_sheet: SheetMaker) -> None:
        (row,) = read(make_sheet([[91, "9876543210", "Asha", "=A2"]]))
        assert isinstance(row, Recipient)

    def test_an_excel_error(self, make_sheet: SheetMaker) -> None:
        (rejected,) = read(make_sheet([[91, "9876543210", "#N/A"]]))
        assert isinstance(rejected, Rejection)
        assert rejected.code == "cell_error"

    def test_numbers_and_zeros_arrive_as_excel_shows_them(self, tmp_path: Path) -> None:
        book = Book()
        sheet = book.active
        sheet.append(["Country", "Mobile", "pin", "amount"])
        sheet.append([91, 9876543210, 1234, 1250.5])
        sheet["C2"].number_format, sheet["D2"].number_format = "000000", "#,##0.00"
        book.save(tmp_path / "a.xlsx")
        (row,) = read(tmp_path / "a.xlsx", "##pin## ##amount##")
        assert isinstance(row, Recipient)
        assert row.variables == ["001234", "1,250.50"]

    def test_a_million_blank_rows_at_the_end_cost_nothing_and_reject_nothing(self, tmp_path: Path) -> None:
        book = Book()
        sheet = book.active
        sheet.append(["Country", "Mobile", "var1"])
        sheet.append(GOOD[:3])
        sheet.cell(1_048_576, 1).fill = PatternFill("solid", "FFFF00")  # somebody coloured the whole column
        book.save(tmp_path / "a.xlsx")
        assert len(read(tmp_path / "a.xlsx")) == 1


def test_check_file_leaves_the_file_at_its_beginning(make_sheet: SheetMaker) -> None:
    content = make_sheet([GOOD]).read_bytes()
    file = io.BytesIO(content)
    check_file(file, len(content))
    assert file.tell() == 0
