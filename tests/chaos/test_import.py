"""An import that is killed again and again ends as one that was left alone."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest

from django_messagecentral.campaigns import sweep as sweeping
from django_messagecentral.campaigns.imports import run_import
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.messaging import counters, recount
from django_messagecentral.messaging.models import Message, Suppression
from tests.campaigns.conftest import mobile
from tests.house import House

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.server_database,
    pytest.mark.broker,
    pytest.mark.chaos_short,
    pytest.mark.timeout(300),
]
ROWS = 15_000
KILLS = 5


def untidy_rows() -> Iterator[list[Any]]:
    """One row in eleven repeats an earlier phone, one in thirteen has none, some abroad."""
    for n in range(ROWS):
        if n % 13 == 12:
            yield [91, f"12{n % 10}", f"N{n}", n, "x"]
        elif n % 11 == 10:
            yield [91, mobile(n // 2), f"again {n}", n, "x"]
        elif n % 17 == 16:
            yield [44, f"7400{n:06}", f"N{n}", n, "x"]
        else:
            yield [91, mobile(n), f"N{n}", n, "x"]


def all_of(campaign: Campaign) -> dict[str, Any]:
    """Everything that an import leaves behind."""
    upload = campaign.uploads.get()
    numbers = (
        "status",
        "rows_read",
        "last_row",
        "accepted",
        "rejected",
        "duplicates",
        "suppressed",
        "regions",
    )
    return {
        "messages": list(
            Message.objects.of_campaign(campaign)
            .order_by("phone")
            .values_list("phone", "region", "variables", "segments", "status", "message_type", "sender_id")
        ),
        "rejected": list(
            RejectedRow.objects.filter(upload=upload)
            .order_by("row_number")
            .values_list("row_number", "code", "reason", "cells")
        ),
        "upload": {name: getattr(upload, name) for name in numbers},
        "counters": {name: value for name, value in counters.read(campaign.pk).items() if value},
        "status": Campaign.objects.get(pk=campaign.pk).status,
    }


def test_an_import_killed_at_random_moments_ends_as_its_twin(house: House) -> None:
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    dice = random.Random(seed)
    Suppression.objects.create(phone="+91" + mobile(ROWS - 200), reason="STOP")
    house.tune(IMPORT_CHUNK_ROWS=100)
    twin = house.uploaded(rows=untidy_rows())
    assert run_import(twin.uploads.get().pk, seconds=None)
    killed = house.uploaded(rows=untidy_rows())
    upload = CampaignUpload.objects.filter(campaign=killed)
    worker = house.start_worker()

    def has_passed(row: int) -> bool:
        return upload.get().last_row >= row

    row = 0
    for kill in range(KILLS):
        goal = row + dice.randrange(100, ROWS // KILLS // 2)
        house.swept_until(lambda goal=goal: has_passed(goal))  # type: ignore[misc]
        time.sleep(dice.uniform(0, 0.03))
        if kill == KILLS // 2:
            worker.kill()
            worker = house.start_worker()
        else:
            worker.kill_children()
        row = upload.get().last_row
        assert upload.get().status == CampaignUpload.Status.IMPORTING, "it was over before the kill"
        house.free_seats()
        sweeping.sweep()
    house.swept_until(lambda: upload.get().status == CampaignUpload.Status.DONE)
    assert all_of(killed) == all_of(twin)
    assert recount.differences(killed.pk) == []
