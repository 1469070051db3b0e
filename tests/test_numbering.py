"""The quick answer on plain digits is the phonenumbers library's own, in every region."""

from __future__ import annotations

from collections.abc import Iterator

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberType

from django_messagecentral import numbering
from django_messagecentral.numbering import Number

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = [getattr(PhoneNumberType, name) for name in dir(PhoneNumberType) if name.isupper()]


def library_says(text: str, region: str | None) -> Number | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    national = phonenumbers.national_significant_number(number)
    return Number(str(number.country_code), national, phonenumbers.region_code_for_number(number) or "001")


def examples(region: str) -> Iterator[tuple[str, str]]:
    """(dialling code, national number) of one number a kind that the region has."""
    for kind in KINDS:
        number = phonenumbers.example_number_for_type(region, kind)
        if number is not None:
            yield str(number.country_code), phonenumbers.national_significant_number(number)


def variations(national: str) -> Iterator[str]:
    """The number itself, and those beside it: other digits at each place, one too few, one too many."""
    yield national
    for place in range(len(national)):
        for digit in "0159":
            yield national[:place] + digit + national[place + 1 :]
    yield national[:-1]
    yield national + "7"


@pytest.mark.parametrize("region", REGIONS)
def test_around_every_regions_example_numbers(region: str) -> None:
    for code, national in set(examples(region)):
        for digits in variations(national):
            for dialled in (digits, code + digits):
                quick = numbering.read_national(dialled, region)
                assert quick is None or quick == library_says(dialled, region), dialled
            quick = numbering.read_international(code + digits)
            assert quick is None or quick == library_says(f"+{code}{digits}", None), digits


@given(st.sampled_from(REGIONS), st.from_regex(r"[0-9]{1,18}", fullmatch=True))
@settings(max_examples=500)
def test_any_digits_in_any_region(region: str, digits: str) -> None:
    for quick, slow in (
        (numbering.read_national(digits, region), library_says(digits, region)),
        (numbering.read_international(digits), library_says(f"+{digits}", None)),
    ):
        assert quick is None or quick == slow


@pytest.mark.parametrize("code", sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS))
def test_numbers_of_no_country(code: int) -> None:
    example = phonenumbers.example_number_for_non_geo_entity(code)
    assert example is not None
    digits = f"{code}{phonenumbers.national_significant_number(example)}"
    assert numbering.read_international(digits) == library_says(f"+{digits}", None)


def test_most_regions_mobiles_are_answered_without_the_library() -> None:
    mobiles = [phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE) for region in REGIONS]
    pairs = [
        (phonenumbers.national_significant_number(number), region)
        for number, region in zip(mobiles, REGIONS, strict=True)
        if number is not None
    ]
    assert sum(numbering.read_national(*pair) is not None for pair in pairs) > 0.8 * len(pairs)


def test_the_common_case_is_answered_without_the_library() -> None:
    assert numbering.read_national("9876543210", "IN") == Number("91", "9876543210", "IN")
    assert numbering.read_national("919876543210", "IN") == Number("91", "9876543210", "IN")
    assert numbering.read_international("12042345678") == Number("1", "2042345678", "CA")
    assert numbering.read_national("9876543210", "ZZ") is None
