"""The phonenumbers library's verdict on plain digits, without its price.

Parsing and judging one number costs the library some fifty microseconds, most of it for spellings that a
column of a million look-alike numbers does not have. This module reads the library's own metadata, the same
patterns in the same order, for the plain case only: ASCII digits that begin with no prefix that would have to
be taken off. It answers with the number, or with None for "ask the library", never with a refusal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, SUPPORTED_REGIONS, PhoneMetadata

NON_GEOGRAPHIC = "001"
_LONGEST = 17  # digits of a national number, the library's own bound
_SHORTEST = 4  # below lie the library's special cases
_NEVER = re.compile(r"(?!)")


class Number(NamedTuple):
    """A valid number: dialling code, national digits, and the region it belongs to ("001" for none)."""

    country_code: str
    national: str
    region: str


@dataclass(frozen=True, slots=True)
class _Region:
    """One region of a dialling code: the digits its numbers begin with (if only it has them), and a pattern
    of its valid numbers by their length.
    """

    name: str
    leading: re.Pattern[str] | None
    valid: dict[int, re.Pattern[str]]

    def owns(self, digits: str) -> bool:
        if self.leading is not None:
            return self.leading.match(digits) is not None
        return self.accepts(digits)

    def accepts(self, digits: str) -> bool:
        pattern = self.valid.get(len(digits))
        return pattern is not None and pattern.fullmatch(digits) is not None


@dataclass(frozen=True, slots=True)
class _Plan:
    """How numbers of one region are dialled and which of its dialling code's regions they belong to."""

    code: str
    international_prefix: re.Pattern[str]
    national_prefix: re.Pattern[str]
    general: re.Pattern[str]
    lengths: frozenset[int]
    regions: tuple[_Region, ...]
    # Of a code with one region: its valid national numbers that begin with no prefix, by their length.
    plain: dict[int, re.Pattern[str]]

    def judge(self, digits: str) -> Number | None:
        """The number of national ``digits`` that begin with no national prefix."""
        if not _SHORTEST <= len(digits) <= _LONGEST or digits[0] == "0" or self.national_prefix.match(digits):
            return None
        regions = self.regions
        if len(regions) == 1:
            owner: _Region | None = regions[0]
        else:
            owner = next((region for region in regions if region.owns(digits)), None)
        return Number(self.code, digits, owner.name) if owner and owner.accepts(digits) else None


def read_national(digits: str, region: str) -> Number | None:
    """What ``digits`` mean when dialled in ``region`` (ISO 3166), if that is plain."""
    plan = _plan_of_region(region)
    if plan is None:
        return None
    plain = plan.plain.get(len(digits))
    if plain is not None and plain.match(digits):
        return Number(plan.code, digits, plan.regions[0].name)
    if len(digits) < _SHORTEST or plan.international_prefix.match(digits):
        return None
    if plan.general.fullmatch(digits):
        return plan.judge(digits) if len(digits) in plan.lengths else None
    if digits.startswith(plan.code):  # dialled with the country's code, though without its plus
        rest = digits[len(plan.code) :]
        if len(rest) in plan.lengths and plan.general.fullmatch(rest):
            return plan.judge(rest)
    return None


def read_international(digits: str) -> Number | None:
    """What ``digits`` that follow a plus mean, if that is plain."""
    if len(digits) < _SHORTEST or digits[0] == "0":
        return None
    for length in (1, 2, 3):
        regions = COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length]))
        if regions is not None:
            rest = digits[length:]
            return _plan(int(digits[:length]), regions[0]).judge(rest)
    return None


@cache
def _plan_of_region(region: str) -> _Plan | None:
    if region not in SUPPORTED_REGIONS:
        return None
    metadata = PhoneMetadata.metadata_for_region(region, None)
    return _plan(metadata.country_code, region) if metadata is not None else None


@cache
def _plan(code: int, region: str) -> _Plan:
    metadata = _metadata(code, region)
    regions = tuple(_region(code, name) for name in COUNTRY_CODE_TO_REGION_CODE[code])
    return _Plan(
        code=str(code),
        international_prefix=_compiled(metadata.international_prefix),
        national_prefix=_compiled(metadata.national_prefix_for_parsing),
        general=_compiled(metadata.general_desc.national_number_pattern),
        lengths=frozenset(metadata.general_desc.possible_length),
        regions=regions,
        plain=_plain(metadata, regions[0]) if len(regions) == 1 else {},
    )


def _plain(metadata: Any, region: _Region) -> dict[int, re.Pattern[str]]:
    """All that :func:`read_national` asks one after the other, as one pattern a length."""
    prefixes = filter(None, (metadata.international_prefix, metadata.national_prefix_for_parsing, "0"))
    none = "".join(f"(?!{prefix})" for prefix in prefixes)
    general = metadata.general_desc
    return {
        length: re.compile(rf"{none}(?=(?:{general.national_number_pattern})\Z){pattern.pattern}\Z")
        for length, pattern in region.valid.items()
        if length in general.possible_length
    }


def _metadata(code: int, region: str) -> Any:
    return PhoneMetadata.metadata_for_region_or_calling_code(code, region)


@cache
def _region(code: int, name: str) -> _Region:
    metadata = _metadata(code, name)
    kinds = [
        *([] if metadata.same_mobile_and_fixed_line_pattern else [metadata.mobile]),
        metadata.fixed_line,
        metadata.premium_rate,
        metadata.toll_free,
        metadata.shared_cost,
        metadata.voip,
        metadata.personal_number,
        metadata.pager,
        metadata.uan,
        metadata.voicemail,
    ]
    general = metadata.general_desc
    valid: dict[int, re.Pattern[str]] = {}
    for length in range(_SHORTEST, _LONGEST + 1):
        patterns = [kind.national_number_pattern for kind in kinds if _may_have(kind, length)]
        if patterns and _may_have(general, length):
            whole = "|".join(f"(?:{pattern})" for pattern in patterns)
            valid[length] = re.compile(rf"(?=(?:{general.national_number_pattern})\Z)(?:{whole})")
    leading = re.compile(metadata.leading_digits) if metadata.leading_digits is not None else None
    return _Region(name, leading, valid)


def _may_have(kind: Any, length: int) -> bool:
    """Whether numbers of this kind exist, and may be ``length`` digits long."""
    if kind is None or not kind.national_number_pattern:
        return False
    return not kind.possible_length or length in kind.possible_length


def _compiled(pattern: str | None) -> re.Pattern[str]:
    return re.compile(pattern) if pattern else _NEVER
