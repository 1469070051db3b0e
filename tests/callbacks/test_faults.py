"""One report that cannot be stored or processed waits for a person, and stops none of the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client

from django_messagecentral import signals
from django_messagecentral.callbacks import processing, receiving
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.messaging import recount
from django_messagecentral.messaging.models import Message, Rate
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.states import Status
from tests import services
from tests.callbacks.test_reconciliation import NOW, report

pytestmark = [pytest.mark.django_db, pytest.mark.db]

COUNT = 500
POISON = 321


def phone(number: int) -> str:
    return f"+9198765{number:05}"


def sent_by_a_worker_that_died(campaign: Campaign) -> None:
    """Their cost is still to be written; that of one of them is more than the column holds."""
    Rate.objects.create(price="900000")
    Message.objects.bulk_create(
        Message(
            campaign=campaign,
            phone=phone(number),
            status=Status.UNCONFIRMED,
            transaction_id=f"t-{number}",
            submitted_at=NOW,
            segments=30_000 if number == POISON else 1,
        )
        for number in range(COUNT)
    )
    recount.mend(recount.differences(campaign.pk))


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PostgreSQL and MariaDB refuse the cost by themselves; for SQLite, which bounds nothing, Python does."""
    cost = RateCard.cost

    def bounded(self: RateCard, segments: int, **scope: Any) -> Any:
        if services.DATABASE == "sqlite" and segments == 30_000:
            raise ArithmeticError("out of range")
        return cost(self, segments, **scope)

    with monkeypatch.context() as patched:
        patched.setattr(RateCard, "cost", bounded)
        yield


@pytest.mark.usefixtures("poison")
def test_one_poisonous_report_in_a_batch_of_500(
    admin_client: Client, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
) -> None:
    campaign = Campaign.objects.create(name="c", text="t")
    sent_by_a_worker_that_died(campaign)
    receive([report(message_id=f"t-{number}", phone=phone(number)) for number in range(COUNT)])
    heard: list[Any] = []

    def listen(change: Any, **_: Any) -> None:
        heard.append(change.message_id)

    signals.message_status_changed.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert processing.process_batch() == COUNT
    finally:
        signals.message_status_changed.disconnect(listen)
    assert processing.process_batch() == 0
    left = Message.objects.exclude(status=Status.DELIVERED).get()
    assert (left.phone, left.status) == (phone(POISON), Status.UNCONFIRMED)
    assert recount.differences(campaign.pk) == []
    others = Message.objects.filter(status=Status.DELIVERED).values_list("pk", flat=True)
    assert sorted(heard) == sorted(others)  # what was undone and done again is told once
    parked = Callback.objects.exclude(state=Callback.State.APPLIED).get()
    assert parked.vendor_message_id == f"t-{POISON}"
    assert (parked.state, parked.reason) == (Callback.State.PARKED, Callback.Reason.FAILED)
    assert parked.error

    assert f"report {parked.pk} waits for a person: {parked.error}" in caplog.text
    assert phone(POISON)[1:] not in caplog.text
    waiting = admin_client.get("/admin/messagecentral/callback/?state__exact=parked").content.decode()
    assert "Processing it raised an error." in waiting
    page = admin_client.get(f"/admin/messagecentral/callback/{parked.pk}/change/").content.decode()
    assert parked.error.partition(":")[0] in page

    Message.objects.filter(pk=left.pk).update(segments=1)  # the cause is mended, the report looked at again
    admin_client.post(
        "/admin/messagecentral/callback/", {"action": "try_again", "_selected_action": [parked.pk]}
    )
    parked.refresh_from_db()
    assert (parked.state, parked.reason, parked.error) == (Callback.State.APPLIED, "", "")
    left.refresh_from_db()
    assert left.status == Status.DELIVERED


def test_a_database_in_trouble_is_no_reports_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    receive([report(message_id="a"), report(message_id="b")])

    def gone(*_: Any, **__: Any) -> None:
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(processing, "find", gone)
    with pytest.raises(OperationalError):
        processing.process_batch()
    assert set(Callback.objects.values_list("state", flat=True)) == {Callback.State.PENDING}


@pytest.mark.parametrize("fault", ["of the database", "of this version"])
def test_one_unstorable_report_in_a_list_of_500(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    read = receiving.parse_report

    def stumble(item: Any) -> Any:
        found = read(item)
        if item["messageId"] == f"t-{POISON}":
            if fault == "of this version":
                raise AttributeError(f"of 'NoneType' {phone(POISON)}")
            object.__setattr__(found, "message_id", None)  # the column takes no NULL
        return found

    monkeypatch.setattr(receiving, "parse_report", stumble)
    reports = [report(message_id=f"t-{number}", phone=phone(number)) for number in range(COUNT)]
    assert receive(reports) == COUNT
    assert receive(reports) == 0  # the vendor repeats its list
    assert Callback.objects.filter(state=Callback.State.PENDING).count() == COUNT - 1
    parked = Callback.objects.exclude(state=Callback.State.PENDING).get()
    assert (parked.state, parked.reason) == (Callback.State.PARKED, Callback.Reason.FAILED)
    assert f'"messageId": "t-{POISON}"' in parked.payload
    assert parked.error
    assert phone(POISON)[1:] not in caplog.text + parked.error
