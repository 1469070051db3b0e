"""Rejected rows are downloaded, mended in a spreadsheet program and uploaded again: only they are added."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest

from django_messagecentral.campaigns import exports, service
from django_messagecentral.campaigns.imports import run_import
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.messaging.models import Message
from tests.campaigns.conftest import CampaignMaker, mobile
from tests.conftest import SheetMaker

pytestmark = [pytest.mark.django_db, pytest.mark.db]


def mended(campaign: Campaign, path: Path, changes: dict[str, str]) -> Path:
    """The download with some of its cells changed, as a person would."""
    book = openpyxl.load_workbook(io.BytesIO(exports.rejected_rows(campaign)))
    for row in book.active.iter_rows(min_row=2):
        for cell in row:
            cell.value = changes.get(cell.value, cell.value)
    book.save(path)
    return path


def test_only_the_mended_rows_are_added_and_say_what_they_said(
    make_campaign: CampaignMaker, tmp_path: Path
) -> None:
    campaign = make_campaign(
        rows=[
            [91, mobile(1), "Asha", "10", "x"],
            [91, "+91 12", "-5", "@home", "y"],
            [91, "13", "Never mended", "10", "z"],
            [91, mobile(1), "Asha", "10", "again"],
        ]
    )
    assert Message.objects.count() == 1
    upload = service.add_upload(campaign, mended(campaign, tmp_path / "mended.xlsx", {"'+91 12": mobile(2)}))
    run_import(upload.pk)
    upload.refresh_from_db()
    assert (upload.accepted, upload.rejected, upload.duplicates) == (1, 1, 0)
    message = Message.objects.get(upload=upload)
    assert message.phone == "+91" + mobile(2)
    assert message.variables[:3] == ["-5", "@home", "y"]
    # and once more: the columns that the download added do not pile up
    book = openpyxl.load_workbook(io.BytesIO(exports.rejected_rows(campaign)))
    header = [cell.value for cell in book.active[1]]
    assert header == ["Country", "Mobile", "var1", "var2", "var3", "Row", "What to mend"]


def test_lists_with_other_columns_keep_each_cell_under_its_own_name(
    make_campaign: CampaignMaker, make_sheet: SheetMaker
) -> None:
    campaign = make_campaign(rows=[[91, mobile(1), "Asha", "1", "x"], [91, "12", "Bad", "2", "y"]])
    other = make_sheet([["13", "7", "Worse"]], header=["Mobile", "var2", "var1"], name="other.xlsx")
    run_import(service.add_upload(campaign, other).pk)
    book = openpyxl.load_workbook(io.BytesIO(exports.rejected_rows(campaign)))
    rows = [[cell.value for cell in row][:6] for row in book.active.iter_rows(min_row=2)]
    assert rows == [["91", "12", "Bad", "2", "y", 3], [None, "13", "Worse", "7", None, 2]]
