"""A spreadsheet becomes messages, once each, whatever happens on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_messagecentral.campaigns import bulk, chunks, imports, loading, service, sweep, tasks
from django_messagecentral.campaigns.imports import run_import
from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
from django_messagecentral.campaigns.report import report
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging import counters
from django_messagecentral.messaging.models import Message, Suppression
from django_messagecentral.messaging.states import Status
from tests.campaigns.conftest import CampaignMaker, mobile
from tests.conftest import SheetMaker

pytestmark = [pytest.mark.django_db, pytest.mark.db]

ROWS = [
    [91, mobile(1), "Asha", 10, "x"],
    [91, "12345", "Bad", 10, "x"],
    [91, mobile(1), "Asha again", 10, "x"],
    [None, mobile(2), "No country", 10, "x"],
    [91, mobile(3), "Opted out", 10, "x"],
    [91, f" {mobile(4)[:5]} {mobile(4)[5:]} ", "Spaces", 10, "x"],
]


def test_good_rows_wait_bad_rows_are_named_and_the_counts_agree(make_campaign: CampaignMaker) -> None:
    Suppression.objects.create(phone="+91" + mobile(3))
    campaign = make_campaign(rows=ROWS)
    assert campaign.status == CampaignStatus.READY
    rows = Message.objects.order_by("row_number").values_list("row_number", "phone", "status", "variables")
    assert list(rows) == [
        (2, "+91" + mobile(1), Status.DRAFT, ["Asha", "10", "x"]),
        (6, "+91" + mobile(3), Status.SUPPRESSED, ["Opted out", "10", "x"]),
        (7, "+91" + mobile(4), Status.DRAFT, ["Spaces", "10", "x"]),
    ]
    assert list(RejectedRow.objects.values_list("row_number", "code")) == [
        (3, "phone_too_short"),
        (4, "duplicate"),
        (5, "phone_no_country"),
    ]
    assert "row 2" in RejectedRow.objects.get(row_number=4).reason
    upload = campaign.uploads.get()
    assert (upload.rows_read, upload.accepted, upload.rejected, upload.duplicates, upload.suppressed) == (
        6,
        2,
        2,
        1,
        1,
    )
    assert upload.regions == {"IN": [2, 2]}
    assert counters.read(campaign.pk) == {Status.DRAFT: 2, Status.SUPPRESSED: 1}


def test_a_second_upload_adds_only_what_is_new(make_campaign: CampaignMaker, make_sheet: SheetMaker) -> None:
    campaign = make_campaign(3)
    second = make_sheet([[91, mobile(n), "N", 1, "x"] for n in range(2, 5)], name="more.xlsx")
    upload = service.add_upload(campaign, second)
    run_import(upload.pk)
    upload.refresh_from_db()
    assert (upload.accepted, upload.duplicates) == (2, 1)
    assert report(campaign).recipients == 5


def test_small_unusable_sheets_leave_nothing_half_made(make_sheet: SheetMaker) -> None:
    with pytest.raises(UnusableSheet, match="no such column"):
        service.create_campaign("Test", "Hi ##var9##", file=make_sheet([[91, mobile(1), "Asha", 1, "x"]]))
    assert not Campaign.objects.exists()
    assert not CampaignUpload.objects.exists()


def test_a_large_unusable_sheet_fails_in_the_import_with_what_to_do(
    make_sheet: SheetMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LOOK_INSIDE_BYTES", 0)
    campaign = service.create_campaign(
        "Test", "Hi ##var9##", file=make_sheet([[91, mobile(1), "Asha", 1, "x"]])
    )
    run_import(campaign.uploads.get().pk)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.FAILED
    assert "##var9##" in campaign.status_reason
    assert not Message.objects.exists()
    service.add_upload(campaign, make_sheet([[91, mobile(1), "Asha"]], header=["Country", "Mobile", "var9"]))
    assert campaign.status == CampaignStatus.IMPORTING


def test_an_import_killed_after_any_chunk_ends_as_if_it_had_never_been_killed(
    make_campaign: CampaignMaker, make_sheet: SheetMaker, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "IMPORT_CHUNK_ROWS": 7}
    rows = [[91, mobile(n % 40), f"N{n}", n, "x"] for n in range(50)] + [[91, "1", "bad", 1, "x"]] * 3
    whole = make_campaign(rows=rows)
    campaign = service.create_campaign("Killed", whole.text, file=make_sheet(rows, name="again.xlsx"))
    upload = campaign.uploads.get()
    real_store = loading.store
    deaths = iter(range(20))

    def store_then_die(*args: Any) -> None:
        real_store(*args)
        if next(deaths) % 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(imports, "store", store_then_die)
    for _ in range(20):
        CampaignUpload.objects.filter(pk=upload.pk).update(lease_until=None, claim=None, tries=0)
        try:
            if run_import(upload.pk):
                break
        except KeyboardInterrupt:
            continue
    else:
        pytest.fail("the import never ended")

    def outcome(which: Campaign) -> Any:
        result = which.uploads.get()
        return (
            list(
                Message.objects.of_campaign(which)
                .order_by("row_number")
                .values_list("row_number", "phone", "variables")
            ),
            list(RejectedRow.objects.filter(upload=result).values_list("row_number", "code")),
            (result.rows_read, result.accepted, result.rejected, result.duplicates, result.regions),
            dict(counters.read(which.pk)),
        )

    assert outcome(campaign) == outcome(whole)


def test_two_importers_of_one_upload_do_the_work_once(make_sheet: SheetMaker) -> None:
    campaign = service.create_campaign(
        "Test", "Hi ##var##", file=make_sheet([[91, mobile(1), "Asha", 1, "x"]])
    )
    upload = campaign.uploads.get()
    assert imports._claim(upload.pk, imports.uuid.uuid4()) is not None
    assert run_import(upload.pk) is False
    assert not Message.objects.exists()


def test_an_importer_that_slept_past_its_lease_writes_nothing_more(
    make_sheet: SheetMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = service.create_campaign(
        "Test", "Hi ##var##", file=make_sheet([[91, mobile(n), "N"] for n in range(5)])
    )
    upload = campaign.uploads.get()
    real_store = loading.store

    def overtaken(*args: Any) -> None:
        monkeypatch.setattr(imports, "store", real_store)
        CampaignUpload.objects.filter(pk=upload.pk).update(claim=None, lease_until=None)
        assert run_import(upload.pk) is True  # the other importer
        real_store(*args)

    monkeypatch.setattr(imports, "store", overtaken)
    assert run_import(upload.pk) is False
    upload.refresh_from_db()
    assert (upload.accepted, upload.duplicates, Message.objects.count()) == (5, 0, 5)


def test_a_file_that_keeps_killing_its_importer_is_given_up(make_sheet: SheetMaker) -> None:
    campaign = service.create_campaign(
        "Test", "Hi ##var##", file=make_sheet([[91, mobile(1), "Asha", 1, "x"]])
    )
    CampaignUpload.objects.update(tries=5)
    assert run_import(campaign.uploads.get().pk)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.FAILED
    assert "broke off 5 times" in campaign.status_reason


def test_the_stored_file_has_an_unguessable_name(make_sheet: SheetMaker) -> None:
    campaign = service.create_campaign(
        "Test", "Hi", file=make_sheet([[91, mobile(1)]], name="salaries 2026.xlsx")
    )
    upload = campaign.uploads.get()
    assert "salaries" not in upload.file.name
    assert upload.original_name == "salaries 2026.xlsx"


# -- slices -------------------------------------------------------------------------------------


def test_a_slice_that_is_over_hands_the_rest_to_a_task_that_goes_on_at_the_checkpoint(
    make_sheet: SheetMaker, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "IMPORT_CHUNK_ROWS": 7}
    campaign = service.create_campaign(
        "Test", "Hi ##var##", file=make_sheet([[91, mobile(n), f"N{n}"] for n in range(30)])
    )
    upload = campaign.uploads.get()
    called: list[Any] = []
    monkeypatch.setattr(tasks.import_upload, "apply_async", lambda args, **options: called.append(args))
    slices = 0
    while not run_import(upload.pk, seconds=0):
        slices += 1
        upload.refresh_from_db()
        assert (upload.claim, upload.lease_until, upload.tries) == (None, None, 0)
        assert upload.last_row == min(31, 1 + 7 * slices)
        assert called == [(upload.pk,)] * slices
    assert slices == 5
    assert Message.objects.of_campaign(campaign).count() == 30


def test_the_sweep_goes_on_with_an_import_whose_successor_the_broker_lost(
    make_sheet: SheetMaker, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "IMPORT_CHUNK_ROWS": 7}
    campaign = service.create_campaign(
        "Test", "Hi ##var##", file=make_sheet([[91, mobile(n), f"N{n}"] for n in range(30)])
    )
    upload = campaign.uploads.get()
    with monkeypatch.context() as lost:
        lost.setattr(tasks.import_upload, "apply_async", lambda *_, **__: None)
        assert run_import(upload.pk, seconds=0) is False
    CampaignUpload.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    sweep.restart_imports()
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.READY
    assert Message.objects.of_campaign(campaign).count() == 30


def test_what_is_wrong_in_the_middle_of_a_sheet_fails_the_import_and_keeps_what_was_stored(
    make_sheet: SheetMaker, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "IMPORT_CHUNK_ROWS": 7}
    path = make_sheet([], name="list.csv")
    lines = [f"+91{mobile(n)},N{n}" for n in range(20)]
    path.write_text("\n".join(["Mobile,var1", *lines, f'+91{mobile(21)},"open', *["x" * 90] * 3000]))
    campaign = service.create_campaign("Test", "Hi ##var##", file=path)
    assert run_import(campaign.uploads.get().pk)
    campaign.refresh_from_db()
    upload = campaign.uploads.get()
    assert (campaign.status, upload.status) == (CampaignStatus.READY, CampaignUpload.Status.FAILED)
    assert "row 22" in upload.error
    assert Message.objects.of_campaign(campaign).count() == upload.accepted == 14


# -- ways of writing ----------------------------------------------------------------------------

WRITERS = [bulk.write_by_insert, bulk.write_by_copy, bulk.write_by_stage]
NASTY = ["back\\slash \\N \\t \"q\" 's'", "tab\tnew\nline", "₹ Zoë 🎉", "{},[]%s", "\\."]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_every_way_of_writing_stores_the_same(
    write: Any, make_sheet: SheetMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    if write is not bulk.write_by_insert and not bulk.has_copy():
        assert bulk.writer(Campaign(), CampaignUpload()) is bulk.write_by_insert
        return
    monkeypatch.setattr(bulk, "writer", lambda *_: write)
    for phone, channel, kind in ((2, "", ""), (3, "SMS", "PROMOTIONAL"), (4, "WHATSAPP", "")):
        Suppression.objects.create(phone="+91" + mobile(phone), channel=channel, message_type=kind)
    campaign = service.create_campaign(
        "Test",
        "Hi ##a##",
        sender_id="tab\there",
        template_id="1\\2",
        entity_id="E",
        message_type="PROMOTIONAL",
    )
    people = [("+91" + mobile(n), NASTY[n % 5]) for n in range(8)] + [("+91" + mobile(0), "again")]
    first = service.add_recipients(campaign, people, columns=["Mobile", "a"])
    run_import(first.pk)
    more = [("+91" + mobile(n), "more") for n in range(6, 12)]
    second = service.add_recipients(campaign, more, columns=["Mobile", "a"])
    run_import(second.pk)
    rows = list(Message.objects.of_campaign(campaign).order_by("pk"))
    assert [(m.phone, m.variables) for m in rows] == [
        ("+91" + mobile(n), [NASTY[n % 5] if n < 8 else "more"]) for n in range(12)
    ]
    assert {m.phone[-1] for m in rows if m.status == Status.SUPPRESSED} == {"2", "3"}
    assert len({m.public_id for m in rows}) == 12
    assert {m.public_id.version for m in rows} == {4}
    for message in rows:
        assert (message.sender_id, message.template_id, message.entity_id) == ("tab\there", "1\\2", "E")
        assert (message.idempotency_key, message.attempt_count, message.text) == (None, 0, "")
        assert message.created_at is not None
        assert message.upload_id == (first.pk if message.phone < "+91" + mobile(8) else second.pk)
    assert list(RejectedRow.objects.order_by("upload", "row_number").values_list("row_number", "code")) == [
        (10, "duplicate"),
        (2, "duplicate"),
        (3, "duplicate"),
    ]
    assert "row 8" in RejectedRow.objects.get(upload=second, row_number=2).reason
    assert counters.read(campaign.pk) == {Status.DRAFT: 10, Status.SUPPRESSED: 2}
    first.refresh_from_db()
    assert first.regions == {"IN": [6, 6]}


def test_long_texts_make_smaller_chunks(make_sheet: SheetMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_CHARACTERS", 1_000)
    rows = [[91, mobile(n) if n % 2 else "1", "x" * 300] for n in range(20)]
    campaign = service.create_campaign("Test", "Hi ##var##", file=make_sheet(rows))
    sizes: list[int] = []
    real_store = loading.store

    def count(*args: Any) -> None:
        sizes.append(args[-1].rows_read)
        real_store(*args)

    monkeypatch.setattr(imports, "store", count)
    assert run_import(campaign.uploads.get().pk)
    assert sizes == [4] * 5
