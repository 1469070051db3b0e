"""Mistakes in the settings of the inbound door, the unsubscribe link and the API are told at start."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_checks import GOOD, ids, run


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"INBOUND_FIELDS": {"Phone": "from"}}, ["E033"]),
        ({"INBOUND_FIELDS": {"phone": "data.from", "text": "body", "channel": "c", "id": "i"}}, []),
        ({"API_THROTTLES": {"send": "fast"}}, ["E034"]),
        ({"API_THROTTLES": {"sends": "3/min"}}, ["E034"]),
        ({"API_THROTTLES": {"send": "10/s", "read": "300/min", "write": ""}}, []),
        ({"UNSUBSCRIBE_URL": "/messagecentral/unsubscribe/"}, ["E035"]),
        ({"UNSUBSCRIBE_URL": "https://www.example.com/?u="}, ["E035"]),
        ({"UNSUBSCRIBE_URL": "https://www.example.com/messagecentral/unsubscribe/"}, []),
    ],
)
def test_each_mistake(change: dict[str, Any], expected: list[str]) -> None:
    assert ids(run(GOOD | change)) == expected
