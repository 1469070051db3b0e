"""A script does all that the admin can: create, upload, launch, pause, resume, cancel, report."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from django_messagecentral.campaigns.dispatch import dispatch
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.sandbox import SandboxServer
from tests.campaigns.conftest import mobile
from tests.conftest import SheetMaker
from tests.rest.conftest import ApiMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db, pytest.mark.urls("tests.rest.urls")]

URL = "/api/campaigns/"
ALL = ("view_campaign", "add_campaign", "import_campaign", "launch_campaign", "export_campaign")


@pytest.fixture
def upload(make_sheet: SheetMaker) -> Any:
    def make(count: int = 5, broken: int = 0) -> SimpleUploadedFile:
        rows = [[91, mobile(n), f"N{n}", n, "x"] for n in range(count)] + [[91, "12", "A", 1, "x"]] * broken
        return SimpleUploadedFile("list.xlsx", make_sheet(rows).read_bytes())

    return make


def test_from_nothing_to_the_report(api: ApiMaker, upload: Any, on_sandbox: SandboxServer) -> None:
    client = api(*ALL, "view_message", "view_phone_numbers")
    created = client.post(URL, {"name": "Diwali", "text": "Hello ##var##!"})
    assert (created.status_code, created.json()["status"]) == (201, "draft")
    one = f"{URL}{created.json()['id']}/"
    early = client.post(f"{one}launch/")
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    assert client.post(f"{one}uploads/", {"file": upload(5, broken=1)}, format="multipart").status_code == 202
    (found,) = client.get(f"{one}uploads/").json()["results"]
    assert (found["status"], found["accepted"], found["rejected"]) == ("done", 5, 1)
    (row,) = client.get(f"{one}rejected/").json()["results"]
    assert (row["row_number"], row["cells"][1]) == (7, "12")
    assert client.post(f"{one}launch/").json()["status"] == "sending"
    assert client.post(f"{one}pause/", {"reason": "lunch"}).json()["status_reason"] == "lunch"
    assert client.post(f"{one}pause/").status_code == 409
    assert client.post(f"{one}resume/").json()["status"] == "sending"
    dispatch(Campaign.objects.get().pk)
    report = client.get(f"{one}report/").json()
    assert (report["recipients"], report["submitted"], report["counts"]["submitted"]) == (5, 5, 5)
    assert len(on_sandbox.messages()) == 5
    of_it = client.get(f"/api/messages/?campaign={created.json()['id']}").json()["results"]
    assert len(of_it) == 5
    assert client.get(one).json()["status"] == "completed"


def test_created_with_its_sheet_scheduled_and_cancelled(api: ApiMaker, upload: Any) -> None:
    client = api(*ALL)
    created = client.post(URL, {"name": "c", "text": "Hi ##var##", "file": upload()}, format="multipart")
    one = f"{URL}{created.json()['id']}/"
    at = timezone.now() + timedelta(days=1)
    assert client.post(f"{one}launch/", {"at": at.isoformat()}).json()["status"] == "scheduled"
    assert client.post(f"{one}cancel/", {"reason": "rain"}).json()["status"] == "cancelled"
    assert [c["name"] for c in client.get(f"{URL}?status=cancelled").json()["results"]] == ["c"]


def test_a_sheet_that_does_not_fit_is_refused_and_nothing_is_stored(api: ApiMaker, upload: Any) -> None:
    client = api(*ALL)
    answer = client.post(URL, {"name": "c", "text": "Hi ##colour##", "file": upload()}, format="multipart")
    assert (answer.status_code, Campaign.objects.count()) == (400, 0)
    assert "##colour##" in answer.json()["detail"]
    rubbish = SimpleUploadedFile("list.xlsx", b"no workbook")
    assert (
        client.post(URL, {"name": "c", "text": "Hi", "file": rubbish}, format="multipart").status_code == 400
    )


def test_uploading_launching_and_exporting_are_permissions_of_their_own(api: ApiMaker, upload: Any) -> None:
    one = f"{URL}{api(*ALL).post(URL, {'name': 'c', 'text': 'Hi'}).json()['id']}/"
    clerk = api("view_campaign", "add_campaign")
    assert clerk.get(f"{one}report/").status_code == 200
    assert clerk.get(f"{one}rejected/").status_code == 403
    for door in ("uploads", "launch", "pause", "resume", "cancel"):
        assert clerk.post(f"{one}{door}/").status_code == 403
    with_sheet = {"name": "d", "text": "Hi ##var##", "file": upload()}
    assert clerk.post(URL, with_sheet, format="multipart").status_code == 403


def test_rejected_cells_are_hidden_from_who_may_not_see_numbers(api: ApiMaker, upload: Any) -> None:
    client = api(*ALL)
    created = client.post(
        URL, {"name": "c", "text": "Hi ##var##", "file": upload(1, broken=1)}, format="multipart"
    )
    (row,) = client.get(f"{URL}{created.json()['id']}/rejected/").json()["results"]
    assert row["cells"] == []
