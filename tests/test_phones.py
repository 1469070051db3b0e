"""A person or a spreadsheet writes a number somehow; the app knows which number is meant, or says why not."""

from __future__ import annotations

import pickle
from decimal import Decimal

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from django_messagecentral.countries import resolve_country
from django_messagecentral.phones import (
    InvalidPhone,
    Phone,
    from_vendor,
    mask_phone,
    parse_phone,
    vendor_pair,
)

INDIAN = "+919876543210"
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
EXAMPLES = [
    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for number in (
        phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
        for region in REGIONS
    )
    if number is not None
]


@pytest.mark.parametrize(
    "raw",
    [
        "+919876543210",
        " +91 98765-43210 ",
        "+91 (98765) 43210",
        "0091 98765 43210",
        "00919876543210",
        "919876543210",
        919876543210,
        919876543210.0,
        Decimal("919876543210"),
        Decimal("9.1987654321E+11"),
        "919876543210.0",
        "919876543210.",
        "9.19876543210e11",
        "9.19876543210E+11",
        "９１９８７６５４３２１０",
        "＋９１９８７６５４３２１０",
        "٩١٩٨٧٦٥٤٣٢١٠",
        "+91\u00a098765\u00a043210",
        "'+919876543210",
        "’919876543210",
        '"+919876543210"',
        "\u202a+919876543210\u202c",
        "\ufeff+91\u200b9876543210",
        "+91\t98765\n43210",
        "tel:+91-98765-43210",
    ],
)
def test_every_spelling_of_one_number_is_that_number(raw: object) -> None:
    assert parse_phone(raw) == Phone(INDIAN, "91", "9876543210", "IN")


@pytest.mark.parametrize(
    "country", [91, 91.0, "91", "+91", "0091", "91.0", "IN", "ind", "IND", " India ", "India (+91)"]
)
@pytest.mark.parametrize(
    "raw", ["9876543210", 9876543210.0, "098765 43210", "919876543210", "+919876543210", "0091 9876543210"]
)
def test_the_country_column_may_say_it_in_any_way(raw: object, country: object) -> None:
    assert parse_phone(raw, country=country).e164 == INDIAN


def test_the_country_column_wins_over_the_default_region() -> None:
    assert parse_phone("020 7946 0018", region="IN", country="UK").e164 == "+442079460018"


def test_an_empty_country_cell_falls_back_to_the_default_region() -> None:
    assert parse_phone("98765 43210", region="in", country=None).e164 == INDIAN
    assert parse_phone("98765 43210", region="IN", country="  ").e164 == INDIAN


@pytest.mark.parametrize(
    ("raw", "given", "code"),
    [
        (None, {}, "empty"),
        ("", {}, "empty"),
        (" \u00a0\u200b ", {}, "empty"),
        ("'", {}, "empty"),
        ("9876543210", {}, "no_country"),
        ("hello", {}, "not_a_number"),
        ("N/A", {"region": "IN"}, "not_a_number"),
        (True, {}, "not_a_number"),
        ([INDIAN], {}, "not_a_number"),
        (b"+919876543210", {}, "not_a_number"),
        (float("nan"), {}, "not_a_number"),
        (float("inf"), {}, "not_a_number"),
        (Decimal("sNaN"), {}, "not_a_number"),
        (919876543210.5, {}, "not_a_number"),
        (-919876543210, {}, "not_a_number"),
        (10**400, {}, "not_a_number"),
        ("1.5e0", {}, "not_a_number"),
        ("1e99", {}, "not_a_number"),
        ("9.19877E+11", {}, "not_a_number"),
        ("98765", {"region": "IN"}, "too_short"),
        ("+1650253", {}, "too_short"),
        ("+165025300001", {}, "too_long"),
        ("+91" + "9" * 300, {}, "too_long"),
        ("5555555555", {"region": "IN"}, "invalid"),
        ("919876543210", {"region": "US"}, "too_long"),
        ("+999123456789", {}, "unknown_country"),
        ("9876543210", {"country": "Narnia"}, "unknown_country"),
        ("9876543210", {"country": 999}, "unknown_country"),
        ("9876543210", {"country": "919876543210"}, "unknown_country"),
        ("9876543210", {"country": float("nan")}, "unknown_country"),
        ("9876543210", {"country": True}, "unknown_country"),
        ("9876543210", {"country": "India" * 100}, "unknown_country"),
        ("9876543210", {"region": "ZZ"}, "no_country"),
        ("+16502530000", {"country": "91"}, "country_mismatch"),
        ("0016502530000", {"country": "India"}, "country_mismatch"),
    ],
)
def test_what_is_no_number_is_refused_with_a_reason(raw: object, given: dict[str, str], code: str) -> None:
    with pytest.raises(InvalidPhone) as refused:
        parse_phone(raw, **given)
    assert refused.value.code == code
    assert refused.value.reason.endswith(".")
    assert "9876" not in str(refused.value).replace("+919876543210", "")  # only the example number


def test_a_number_that_a_spreadsheet_has_rounded_is_not_guessed() -> None:
    """Excel shows 9.19877E+11 for a wide number; writing to +919877000000 would reach a stranger."""
    with pytest.raises(InvalidPhone, match="last digits are lost"):
        parse_phone("9.19877E+11")
    assert parse_phone("9.19876543e11").e164 == "+919876543000"


def test_italian_zeros_stay_in_the_vendors_pair() -> None:
    phone = parse_phone("06 1234 5678", region="IT")
    assert (phone.country_code, phone.national_number) == ("39", "0612345678")
    assert vendor_pair(phone.e164) == ("39", "0612345678")


def test_numbers_of_no_country_are_understood() -> None:
    phone = parse_phone("1234 5678", country=800)
    assert phone == Phone("+80012345678", "800", "12345678", "001")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("usa", (1, "US")),
        ("U.S.A.", (1, "US")),
        ("Canada", (1, "CA")),
        ("Côte d'Ivoire", (225, "CI")),
        ("The Netherlands", (31, "NL")),
        ("Trinidad & Tobago", (1, "TT")),
        ("UAE", (971, "AE")),
        ("are", (971, "AE")),
        ("kosovo", (383, "XK")),
        ("+44 (UK)", (44, "GB")),
        ("91 Narnia", None),
        ("000", None),
        ("-", None),
        ("", None),
    ],
)
def test_country_names(text: str, expected: tuple[int, str] | None) -> None:
    assert resolve_country(text) == expected


@pytest.mark.parametrize("region", REGIONS)
def test_every_region_is_known_by_its_code_and_has_a_dialling_code(region: str) -> None:
    assert resolve_country(region.lower()) == (phonenumbers.country_code_for_region(region), region)


@pytest.mark.parametrize(
    ("e164", "masked"),
    [
        (INDIAN, "+91••••••3210"),
        ("+16502530000", "+1••••••0000"),
        ("+29023456", "+290••••6"),
        ("+999123456789", "••••••"),
        ("9876543210", "••••••"),
        ("", "••••••"),
        ("my secret", "••••••"),
    ],
)
def test_masks(e164: str, masked: str) -> None:
    assert mask_phone(e164) == masked


@pytest.mark.parametrize(
    ("mobile", "expected"),
    [
        ("919999999999", "+919999999999"),
        ("+919999999999", "+919999999999"),
        ("00919999999999", "+919999999999"),
        (919999999999, "+919999999999"),
        (919999999999.0, "+919999999999"),
        ("91 99999 99999", None),
        ("12", None),
        ("", None),
        (None, None),
        ([], None),
        ("999123456789", None),
        ("9" * 1000, None),
    ],
)
def test_a_callbacks_mobile(mobile: str, expected: str | None) -> None:
    assert from_vendor(mobile) == expected


def test_a_number_is_masked_in_its_repr_and_survives_pickling() -> None:
    assert "9876543210" not in repr(parse_phone(INDIAN))
    error = pickle.loads(pickle.dumps(InvalidPhone("unknown_code")))
    assert (error.code, error.reason) == ("unknown_country", InvalidPhone("unknown_code").reason)


# -- the verdict is the library's ---------------------------------------------------------------------


def library_says(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def app_says(raw: object, **given: object) -> str | None:
    try:
        return parse_phone(raw, **given).e164  # type: ignore[arg-type]
    except InvalidPhone:
        return None


@st.composite
def nearly_numbers(draw: st.DrawFn) -> str:
    """A real mobile number of some country with digits changed, dropped or added at its end."""
    e164 = draw(st.sampled_from(EXAMPLES))
    kept = draw(st.integers(min_value=4, max_value=len(e164)))
    return e164[:kept] + draw(st.text("0123456789", max_size=len(e164) - kept + 1))


@given(nearly_numbers())
def test_international_numbers_are_judged_exactly_as_the_library_does(text: str) -> None:
    assert app_says(text) == library_says(text, None)


@given(st.sampled_from(REGIONS), st.from_regex(r"\A(0?[1-9])[0-9 ()\-]{3,14}\Z"))
@example("IN", "98765 43210")
def test_national_numbers_are_judged_exactly_as_the_library_does(region: str, text: str) -> None:
    assert app_says(text, region=region) == library_says(text.strip(), region)


@given(nearly_numbers(), st.sampled_from(REGIONS))
def test_a_number_is_accepted_in_a_country_column_only_of_its_own_dialling_code(
    e164: str, region: str
) -> None:
    code = phonenumbers.country_code_for_region(region)
    found = app_says(e164, country=region)
    expected = library_says(e164, None)
    assert found == (expected if expected and phonenumbers.parse(expected).country_code == code else None)


@given(st.sampled_from(EXAMPLES))
def test_the_vendors_pair_and_back(e164: str) -> None:
    code, national = vendor_pair(e164)
    assert from_vendor(code + national) == e164
    assert app_says(national, country=code) == e164
    masked = mask_phone(e164)
    assert masked.startswith(f"+{code}•")
    assert sum(char.isdecimal() for char in masked) <= len(code) + 4


@given(
    st.one_of(st.text(), st.integers(), st.floats(), st.decimals(), st.none(), st.binary(), st.booleans()),
    st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.none()),
    st.sampled_from(["", "IN", "ZZ"]),
)
def test_anything_is_a_valid_number_or_refused(raw: object, country: object, region: str) -> None:
    e164 = app_says(raw, country=country, region=region)
    assert e164 is None or phonenumbers.is_valid_number(phonenumbers.parse(e164))


@given(st.text())
def test_masking_and_callbacks_never_fail(text: str) -> None:
    assert mask_phone(text)
    found = from_vendor(text)
    assert found is None or found.startswith("+")
