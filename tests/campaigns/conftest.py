from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.imports import run_import
from django_messagecentral.campaigns.models import Campaign
from tests.conftest import SheetMaker

CampaignMaker = Callable[..., Campaign]


def mobile(index: int) -> str:
    """A valid Indian mobile, national, one an index."""
    return f"98{index:08}"


@pytest.fixture
def make_campaign(make_sheet: SheetMaker, db: None) -> CampaignMaker:
    """A campaign whose sheet is imported: ``make_campaign(100)`` or ``make_campaign(rows=[...])``."""

    def make(
        recipients: int = 0,
        *,
        rows: Iterable[Sequence[Any]] | None = None,
        text: str = "Hello ##var##, your balance is ##var2##.",
        **options: Any,
    ) -> Campaign:
        sheet = make_sheet(
            rows if rows is not None else ([91, mobile(n), f"N{n}", n + 1, "x"] for n in range(recipients))
        )
        campaign = service.create_campaign("Test", text, file=sheet, **options)
        run_import(campaign.uploads.get().pk)
        campaign.refresh_from_db()
        return campaign

    return make
