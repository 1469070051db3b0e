"""The garbage collector is left as it was found, whatever overlaps."""

from __future__ import annotations

import gc

import pytest

from django_messagecentral.campaigns.garbage import ALLOCATIONS, rare_collections


def test_the_threshold_is_raised_while_anybody_is_inside_and_restored_after_the_last() -> None:
    before = gc.get_threshold()
    first, second = rare_collections(), rare_collections()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_threshold()[0] == ALLOCATIONS
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before


def test_it_is_restored_after_an_error_and_a_site_that_turned_it_off_keeps_it_off() -> None:
    before = gc.get_threshold()
    try:
        gc.set_threshold(0)
        with pytest.raises(ZeroDivisionError), rare_collections():
            1 / gc.get_threshold()[0]
        assert gc.get_threshold()[0] == 0
    finally:
        gc.set_threshold(*before)
