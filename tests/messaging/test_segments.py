"""What a text is charged: GSM 03.38 and UCS-2, against published examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_messagecentral.messaging.segments import GSM_BASIC, GSM_EXTENSION, count_segments, segment


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),  # extension table: two septets each
        ("€" * 81, "GSM-7", 162, 2),
        ("नमस्ते", "UCS-2", 6, 1),
        ("न" * 70, "UCS-2", 70, 1),
        ("न" * 71, "UCS-2", 71, 2),
        ("न" * 134, "UCS-2", 134, 2),
        ("न" * 135, "UCS-2", 135, 3),
        ("😀" * 35, "UCS-2", 70, 1),  # surrogate pairs: two code units each
        ("😀" * 36, "UCS-2", 72, 2),
        ("Your balance is ₹100", "UCS-2", 20, 1),  # the rupee sign is not in GSM 03.38
        ("é" * 160, "GSM-7", 160, 1),
        ("ê", "UCS-2", 1, 1),
    ],
)
def test_published_examples(text: str, encoding: str, units: int, segments: int) -> None:
    counted = segment(text)
    assert (counted.encoding, counted.units, counted.segments) == (encoding, units, segments)


def test_an_extension_character_never_straddles_two_parts() -> None:
    # 152 septets and a two-septet character: the pair moves to the second part and leaves a hole.
    assert count_segments("a" * 152 + "€" + "a" * 151) == 2
    assert count_segments("a" * 152 + "€" + "a" * 152) == 3


def test_a_surrogate_pair_is_never_split() -> None:
    assert count_segments("न" * 66 + "😀" + "न" * 65) == 2
    assert count_segments("न" * 66 + "😀" + "न" * 66) == 3


@given(st.text(alphabet=GSM_BASIC + GSM_EXTENSION, max_size=1000))
def test_gsm_texts_take_as_many_parts_as_a_greedy_packer_needs(text: str) -> None:
    widths = [2 if c in GSM_EXTENSION else 1 for c in text]
    if sum(widths) <= 160:
        expected = 1 if text else 0
    else:
        expected, room = 1, 153
        for width in widths:
            if width > room:
                expected, room = expected + 1, 153
            room -= width
    assert count_segments(text) == expected


@given(st.text(max_size=300), st.text(max_size=50))
def test_a_longer_text_never_costs_less(text: str, more: str) -> None:
    assert count_segments(text + more) >= count_segments(text)
