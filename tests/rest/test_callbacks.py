"""Delivery reports, received texts and health through the REST door."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.messaging.models import InboundMessage, Message, Suppression
from django_messagecentral.messaging.states import Status
from tests.callbacks.test_reconciliation import fate, message, process, report
from tests.rest.conftest import ApiMaker
from tests.settings import WEBHOOK_TOKEN

pytestmark = [pytest.mark.django_db, pytest.mark.db, pytest.mark.urls("tests.rest.urls")]

URL = "/api/callbacks/"


def parked(status: str = "DELIVRD") -> Callback:
    receive(report(status, message_id="theirs"))
    process()
    callback = Callback.objects.get()
    assert callback.state == Callback.State.PARKED
    return callback


def door(callback: Callback, name: str = "") -> str:
    return f"{URL}{callback.public_id}/{name}"


class TestReading:
    def test_what_waits_for_a_decision(self, api: ApiMaker) -> None:
        first, second = message(transaction_id="a"), message(transaction_id="b")
        callback = parked()
        Callback.objects.create(fingerprint="x", state=Callback.State.APPLIED)
        Callback.objects.create(fingerprint="y", state=Callback.State.UNMATCHED)
        client = api("view_callback")

        def states(query: str) -> list[str]:
            return [row["state"] for row in client.get(f"{URL}?{query}").json()["results"]]

        assert states("open=true") == ["unmatched", "parked"]
        assert states("open=false") == states("state=applied") == ["applied"]
        assert states("reason=several&vendor_message_id=theirs") == ["parked"]
        assert len(states("")) == 3
        found = client.get(door(callback)).json()
        assert {each["id"] for each in found["candidates"]} == {str(first.public_id), str(second.public_id)}

    def test_numbers_are_masked_and_the_payload_hidden(self, api: ApiMaker) -> None:
        row, _other = message(transaction_id="a"), message(transaction_id="b")
        callback, digits = parked(), row.phone[3:]
        body = api("view_callback").get(door(callback)).content.decode()
        assert digits not in body
        assert digits not in api("view_callback").get(URL).content.decode()
        assert api("view_callback").get(f"{URL}?phone=%2B91{digits}").status_code == 400
        full = api("view_callback", "view_phone_numbers").get(door(callback)).json()
        assert (full["phone"], digits in str(full["payload"])) == (row.phone, True)


class TestDeciding:
    def test_given_to_a_message(self, api: ApiMaker) -> None:
        wrong, right = message(transaction_id="a"), message(transaction_id="b")
        callback, client = parked(), api("resolve_callback")
        answer = client.post(door(callback, "assign/"), {"message": str(right.public_id)})
        assert (answer.status_code, answer.json()["state"]) == (200, "applied")
        assert answer.json()["message"] == str(right.public_id)
        assert (fate(wrong), fate(right)) == (Status.SUBMITTED, Status.DELIVERED)
        again = client.post(door(callback, "assign/"), {"message": str(wrong.public_id)})
        assert (again.status_code, again.json()["code"]) == (409, "conflict")

    def test_a_word_of_unknown_meaning_needs_one(self, api: ApiMaker) -> None:
        row = message(transaction_id="theirs")
        callback, client = parked("BUFFERED_OUT"), api("resolve_callback")
        body = {"message": str(row.public_id)}
        assert client.post(door(callback, "assign/"), body).status_code == 409
        assert client.post(door(callback, "assign/"), {**body, "status": "queued"}).status_code == 400
        assert client.post(door(callback, "assign/"), {**body, "status": "expired"}).status_code == 200
        assert fate(row) == Status.EXPIRED

    def test_a_known_word_keeps_its_meaning(self, api: ApiMaker) -> None:
        row, _other = message(transaction_id="a"), message(transaction_id="b")
        body = {"message": str(row.public_id), "status": "delivered"}
        api("resolve_callback").post(door(parked("UNDELIV"), "assign/"), body)
        assert fate(row) == Status.UNDELIVERED

    def test_a_message_that_is_none(self, api: ApiMaker) -> None:
        callback = parked("BUFFERED_OUT") if message(transaction_id="theirs") else None
        assert callback
        body = {"message": "6b0a1e0e-4a53-4f0e-9d2b-0c3b9f6f6a11"}
        answer = api("resolve_callback").post(door(callback, "assign/"), body)
        assert (answer.status_code, list(answer.json()["invalid_fields"])) == (400, ["message"])

    def test_set_aside_or_looked_at_again(self, api: ApiMaker, monkeypatch: pytest.MonkeyPatch) -> None:
        called: list[int] = []
        monkeypatch.setattr(processing, "call_worker", lambda: called.append(1))
        message(transaction_id="a"), message(transaction_id="b")
        callback, client = parked(), api("resolve_callback")
        called.clear()
        assert client.post(door(callback, "retry/")).json()["state"] == "pending"
        assert called == [1]
        assert client.post(door(callback, "dismiss/")).json()["state"] == "dismissed"
        assert client.post(door(callback, "dismiss/")).status_code == 409
        assert client.post(door(callback, "retry/")).status_code == 409

    def test_each_needs_its_permission(self, api: ApiMaker) -> None:
        message(transaction_id="a"), message(transaction_id="b")
        callback = parked()
        for name in ("assign", "dismiss", "retry"):
            assert api("view_callback").post(door(callback, f"{name}/")).status_code == 403
        assert api("resolve_callback").get(URL).status_code == 403
        assert APIClient().get(URL).status_code in (401, 403)


def test_the_secret_address_is_for_those_who_register_it(api: ApiMaker) -> None:
    body = {"site": "https://www.example.com", "email": "a@example.com"}
    assert api("resolve_callback", "view_callback").post(f"{URL}registration/", body).status_code == 403
    answer = api("register_webhook").post(f"{URL}registration/", body)
    assert (answer.status_code, WEBHOOK_TOKEN in answer.json()["url"]) == (200, True)
    assert api("register_webhook").post(f"{URL}registration/", {**body, "token": 9}).status_code == 400


class TestInbound:
    def test_what_people_wrote(self, api: ApiMaker) -> None:
        phone = "+919876543210"
        InboundMessage.objects.create(phone=phone, text="STOP", action="out", fingerprint="1")
        InboundMessage.objects.create(phone=phone, text="hi", fingerprint="2")
        client = api("view_inboundmessage")
        found = client.get("/api/inbound/?action=out").json()["results"]
        assert [(row["text"], row["phone"]) for row in found] == [("STOP", "+91••••••3210")]
        assert client.get(f"/api/inbound/{found[0]['id']}/").json() == found[0]
        assert api("view_message").get("/api/inbound/").status_code == 403


class TestChangingOptOuts:
    def test_narrowed_or_refused_where_another_says_the_same(self, api: ApiMaker) -> None:
        row = Suppression.objects.create(phone="+919876543210")
        Suppression.objects.create(phone="+919876543210", channel="RCS")
        client, one = api("change_suppression"), f"/api/suppressions/{row.public_id}/"
        assert client.patch(one, {"channel": "SMS", "reason": "asked"}).json()["channel"] == "SMS"
        again = client.patch(one, {"channel": "RCS"})
        assert (again.status_code, again.json()["code"]) == (409, "conflict")
        row.refresh_from_db()
        assert (row.channel, row.reason) == ("SMS", "asked")


def test_health_has_its_details_for_those_who_may_see_them(api: ApiMaker) -> None:
    answer = api("view_health").get("/api/health/")
    assert answer.status_code == 200
    names = [each["name"] for each in answer.json()["checks"]]
    assert {"broker", "queue", "callbacks"} <= set(names)
    assert api("view_message").get("/api/health/").status_code == 403


def test_a_report_of_a_message_leads_back_to_it(api: ApiMaker) -> None:
    row: Any = message(transaction_id="theirs")
    receive(report("DELIVRD", message_id="theirs"))
    process()
    (found,) = api("view_callback").get(f"{URL}?message={row.public_id}").json()["results"]
    assert (found["status"], found["open"]) == ("delivered", False)
    assert Message.objects.get().status == Status.DELIVERED
