"""A report that nobody could place is placed by a person."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from django_messagecentral.callbacks import resolving
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.messaging.states import Status
from tests.callbacks.test_reconciliation import fate, message, process, report

pytestmark = [pytest.mark.django_db, pytest.mark.db]


def page_of(callback: Callback) -> str:
    return f"/admin/messagecentral/callback/{callback.pk}/resolve/"


def parked(status: str = "DELIVRD") -> Callback:
    receive(report(status, message_id="theirs"))
    process()
    callback = Callback.objects.get()
    assert callback.state == Callback.State.PARKED
    return callback


def test_a_person_chooses_among_the_likely_messages(admin_client: Client) -> None:
    wrong, right = message(transaction_id="a"), message(transaction_id="b")
    callback = parked()
    page = admin_client.get(page_of(callback)).content.decode()
    assert str(wrong.public_id) in page
    assert str(right.public_id) in page
    assert admin_client.post(page_of(callback), {"message": str(right.public_id)}).status_code == 302
    assert (fate(wrong), fate(right)) == (Status.SUBMITTED, Status.DELIVERED)
    assert right.vendor_message_id == "theirs"
    callback.refresh_from_db()
    assert (callback.state, callback.message) == (Callback.State.APPLIED, right)


def test_a_word_of_unknown_meaning_gets_one(admin_client: Client) -> None:
    row = message(transaction_id="theirs")
    callback = parked("BUFFERED_OUT")
    assert admin_client.post(page_of(callback), {"message": str(row.public_id)}).status_code == 200
    assert fate(row) == Status.SUBMITTED
    admin_client.post(page_of(callback), {"message": str(row.public_id), "status": "expired"})
    assert fate(row) == Status.EXPIRED


def test_a_message_that_never_left_stays_as_it_is_and_the_page_says_why(admin_client: Client) -> None:
    message(transaction_id="a"), message(transaction_id="b")
    callback = parked()
    row = message(status=Status.CANCELLED, transaction_id="c", submitted_at=None)
    page = admin_client.post(page_of(callback), {"message_id": str(row.public_id)})
    assert "was not on its way" in page.content.decode()
    assert fate(row) == Status.CANCELLED
    callback.refresh_from_db()
    assert callback.state == Callback.State.PARKED


def test_two_people_decide_once() -> None:
    first, second = message(transaction_id="a"), message(transaction_id="b")
    callback = parked()
    resolving.assign(callback.pk, first.pk)
    with pytest.raises(resolving.NotResolvable, match="already"):
        resolving.assign(callback.pk, second.pk)
    with pytest.raises(resolving.NotResolvable, match="already"):
        resolving.dismiss(callback.pk)
    assert fate(second) == Status.SUBMITTED


def test_what_is_nobodys_is_set_aside_and_never_looked_at_again(admin_client: Client) -> None:
    receive(report(message_id="theirs"))
    process()
    callback = Callback.objects.get()
    admin_client.post(
        "/admin/messagecentral/callback/", {"action": "set_aside", "_selected_action": [callback.pk]}
    )
    row = message(transaction_id="theirs")
    process()
    callback.refresh_from_db()
    assert callback.state == Callback.State.DISMISSED
    assert fate(row) == Status.SUBMITTED


def test_who_may_only_look_cannot_decide(client: Client, django_user_model: Any) -> None:
    message(transaction_id="a"), message(transaction_id="b")
    callback = parked()
    client.force_login(django_user_model.objects.create_user("clerk", is_staff=True))
    assert client.get(page_of(callback)).status_code == 403
