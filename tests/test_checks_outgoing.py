"""Mistakes in the settings of outgoing webhooks are told at start."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_checks import GOOD, ids, run


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"OUTGOING_ALLOWED_NETWORKS": ("10.1.0.0/33",)}, ["E025"]),
        ({"OUTGOING_ALLOWED_NETWORKS": ("10.1.0.0/16", "fd12:3456::/32")}, []),
        ({"OUTGOING_ALLOWED_NETWORKS": ("0.0.0.0/0",)}, ["W040"]),
        ({"OUTGOING_ALLOWED_NETWORKS": ("::/0",)}, ["W040"]),
        ({"OUTGOING_ALLOWED_NETWORKS": ("169.254.0.0/16",)}, ["W040"]),
        ({"OUTGOING_TIMEOUT": 90}, ["E041"]),
        ({"OUTGOING_TIMEOUT": 0}, ["E004"]),
        ({"OUTGOING_RETENTION_DAYS": 0}, []),
        ({"OUTGOING_TIMEOUT": 60, "OUTGOING_DISABLE_AFTER": 3600}, []),
    ],
)
def test_each_mistake(change: dict[str, Any], expected: list[str]) -> None:
    assert ids(run(GOOD | change)) == expected
