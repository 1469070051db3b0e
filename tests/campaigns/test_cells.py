"""A cell becomes the text that Excel shows."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_messagecentral.campaigns.sheet.cells import cell_text


@pytest.mark.parametrize(
    ("value", "number_format", "text"),
    [
        (None, "General", ""),
        ("  Asha ", "General", "Asha"),
        (919876543210.0, "General", "919876543210"),
        (9.19876543210e11, "0.00E+00", "919876543210"),
        (1250.0, "General", "1250"),
        (12.5, "General", "12.5"),
        (0.1, "General", "0.1"),
        (1e-7, "General", "0.0000001"),
        (7, "00000", "00007"),
        (560001, "000000", "560001"),
        (1234.5, "0.00", "1234.50"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (1234.5, "#,##0", "1,235"),
        (2.5, "0", "3"),  # Excel rounds halves away from zero
        (-3, "0;(0)", "(3)"),
        (-3.25, "0.0", "-3.3"),
        (0.256, "0%", "26%"),
        (0.256, "0.0%", "25.6%"),
        (1500, '"Rs "#,##0', "Rs 1,500"),
        (1500, "[$₹-4009]#,##0.00", "₹1,500.00"),
        (1500, "#,##0.00_);[Red](#,##0.00)", "1,500.00"),
        (12500000, "0.0,,", "12.5"),
        (5, "@", "5"),
        (5, '0 "pieces"', "5 pieces"),
        (True, "General", "TRUE"),
        (datetime(2026, 11, 2), "yyyy-mm-dd", "2026-11-02"),
        (datetime(2026, 11, 2), "dd/mm/yyyy", "02/11/2026"),
        (datetime(2026, 11, 2), "d-mmm-yy", "2-Nov-26"),
        (datetime(2026, 11, 2), "dddd, mmmm d, yyyy", "Monday, November 2, 2026"),
        (datetime(2026, 11, 2, 13, 5, 9), "dd.mm.yyyy hh:mm", "02.11.2026 13:05"),
        (datetime(2026, 11, 2, 13, 5, 9), "h:mm:ss AM/PM", "1:05:09 PM"),
        (datetime(2026, 11, 2, 13, 5, 9), "General", "2026-11-02 13:05:09"),
        (datetime(2026, 11, 2), "[$-14009]dd/mm/yyyy;@", "02/11/2026"),
        (date(2026, 11, 2), "General", "2026-11-02"),
        (time(9, 30), "h:mm", "9:30"),
        (timedelta(hours=30, minutes=5), "[h]:mm:ss", "30:05:00"),
    ],
)
def test_as_excel_shows_it(value: object, number_format: str, text: str) -> None:
    assert cell_text(value, number_format) == text


def test_signs_follow_the_locale() -> None:
    assert cell_text(1234.5, "#,##0.00", "de") == "1.234,50"


@given(st.integers(-(10**15), 10**15))
def test_whole_numbers_keep_every_digit(number: int) -> None:
    assert cell_text(float(number)) == str(number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_never_shows_an_exponent_and_never_loses_its_value(number: float) -> None:
    text = cell_text(number)
    assert "e" not in text.lower()
    assert float(text) == number


@given(st.floats(allow_nan=False, allow_infinity=False), st.text('0#?.,%;@ymdhs[]"\\_*-$ ', max_size=12))
def test_no_format_ever_fails(number: float, number_format: str) -> None:
    assert isinstance(cell_text(number, number_format), str)
    assert isinstance(cell_text(datetime(2026, 1, 2, 3, 4), number_format), str)
