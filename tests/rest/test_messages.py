"""Messages and opt-outs through the REST door."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.messaging.models import Message, Suppression
from django_messagecentral.messaging.states import Status
from django_messagecentral.sandbox import SandboxServer
from tests.rest.conftest import ApiMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db, pytest.mark.urls("tests.rest.urls")]

PHONE = "+919876543210"
URL = "/api/messages/"
KEY = {"HTTP_IDEMPOTENCY_KEY": "order-7"}


class TestSending:
    def test_a_script_sends_one_and_reads_its_fate(self, api: ApiMaker, on_sandbox: SandboxServer) -> None:
        client = api("send_message", "view_message", "view_phone_numbers")
        sent = client.post(URL, {"to": "98765 43210", "text": "Packed", "purpose": "orders"})
        assert (sent.status_code, sent.json()["phone"]) == (201, PHONE)
        assert on_sandbox.messages(PHONE[1:])[0]["text"] == "Packed"
        row = Message.objects.get()
        receive(
            {
                "messageId": row.transaction_id,
                "status": "DELIVRD",
                "mobile": PHONE[1:],
                "doneDate": "2026-11-02 13:59:22",
            }
        )
        processing.process_batch()
        found = client.get(f"{URL}{sent.json()['id']}/").json()
        assert (found["status"], found["purpose"]) == ("delivered", "orders")
        assert [attempt["outcome"] for attempt in found["attempts"]] == ["accepted"]
        assert [(e["status"], e["vendor_status"]) for e in found["events"]] == [("delivered", "DELIVRD")]

    def test_the_same_key_sends_once(self, api: ApiMaker, on_sandbox: SandboxServer) -> None:
        client = api("send_message")
        body = {"to": PHONE, "text": "Packed"}
        first, again = (client.post(URL, body, **KEY) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 200)
        assert first.json()["id"] == again.json()["id"]
        other = client.post(URL, {**body, "text": "Shipped"}, **KEY)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
        assert len(on_sandbox.messages()) == 1

    def test_each_user_has_keys_of_their_own(self, api: ApiMaker, on_sandbox: SandboxServer) -> None:
        body = {"to": PHONE, "text": "Packed"}
        ids = {api("send_message").post(URL, body, **KEY).json()["id"] for _ in range(2)}
        assert len(ids) == 2

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"to": "12", "text": "x"}, "to"),
            ({"to": PHONE}, "text"),
            ({"to": PHONE, "text": "x", "channel": "PIGEON"}, "channel"),
            ({"to": PHONE, "text": "x", "template_id": "only-one"}, "non_field_errors"),
            ({"to": PHONE, "text": "x" * 2000}, "non_field_errors"),
            ({"to": PHONE, "text": "x", "purpose": "p" * 41}, "purpose"),
        ],
    )
    def test_what_cannot_be_sent_is_told_by_field(self, api: ApiMaker, body: Any, field: str) -> None:
        answer = api("send_message").post(URL, body)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
        assert field in answer.json()["invalid_fields"]
        assert not Message.objects.exists()

    def test_a_promotion_to_who_opted_out_is_stored_and_never_leaves(
        self, api: ApiMaker, on_sandbox: SandboxServer
    ) -> None:
        Suppression.objects.create(phone=PHONE)
        answer = api("send_message").post(URL, {"to": PHONE, "text": "Sale", "message_type": "PROMOTIONAL"})
        assert answer.status_code == 201
        assert Message.objects.get().status == Status.SUPPRESSED
        assert not on_sandbox.messages()


class TestReading:
    def messages(self, count: int) -> None:
        Message.objects.bulk_create(
            Message(
                phone=f"+9198765{n:05}",
                status=Status.DELIVERED if n % 2 else Status.FAILED,
                created_at=timezone.now() - timedelta(hours=n),
                text="hello",
            )
            for n in range(count)
        )

    def test_pages_meet_every_row_once_while_new_ones_come_in(self, api: ApiMaker) -> None:
        self.messages(25)
        client, url, seen = api("view_message"), f"{URL}?page_size=10", []
        while url:
            page = client.get(url).json()
            seen += [row["id"] for row in page["results"]]
            url = page["next"]
            Message.objects.create(phone=PHONE)
        assert len(seen) == len(set(seen)) == 25

    def test_a_cursor_tells_nobody_how_many_messages_there_are(self, api: ApiMaker) -> None:
        import base64

        self.messages(3)
        cursor = (
            api("view_message").get(f"{URL}?page_size=1").json()["next"].split("cursor=")[1].split("&")[0]
        )
        raw = base64.urlsafe_b64decode(cursor + "==")
        assert b"p=" not in raw
        assert str(Message.objects.order_by("-pk")[0].pk).encode() not in raw

    @pytest.mark.parametrize("cursor", ["", "x", "%00", "cD0x", "A" * 400, "é"])
    def test_a_broken_cursor_is_refused(self, api: ApiMaker, cursor: str) -> None:
        self.messages(1)
        assert api("view_message").get(f"{URL}?cursor={cursor}").status_code == 404

    def test_filters(self, api: ApiMaker) -> None:
        self.messages(10)
        client = api("view_message", "view_phone_numbers")

        def count(query: str) -> int:
            return len(client.get(f"{URL}?{query}").json()["results"])

        since = (timezone.now() - timedelta(hours=3, minutes=30)).isoformat().replace("+", "%2B")
        assert count("status=delivered") == 5
        assert count(f"created_after={since}") == 4
        assert count(f"created_before={since}&status=failed") == 3
        assert count("phone=%2B919876500003") == count("phone=9876500003") == 1
        assert count("channel=RCS") == 0

    @pytest.mark.parametrize("query", ["status=lost", "campaign=7", "colour=red", "created_after=yesterday"])
    def test_a_wrong_filter_is_refused_and_not_ignored(self, api: ApiMaker, query: str) -> None:
        answer = api("view_message").get(f"{URL}?{query}")
        assert (answer.status_code, list(answer.json()["invalid_fields"])) == (400, [query.split("=")[0]])

    def test_numbers_are_masked_without_the_permission_also_for_searching(self, api: ApiMaker) -> None:
        self.messages(1)
        client = api("view_message")
        assert client.get(URL).json()["results"][0]["phone"].count("•") == 6
        assert client.get(f"{URL}?phone=%2B919876500000").status_code == 400

    def test_the_text_of_a_one_time_password_is_not_shown(self, api: ApiMaker) -> None:
        Message.objects.create(phone=PHONE, message_type="OTP", text="123456 is your code")
        assert "123456" not in api("view_message").get(URL).content.decode()


class TestOptOuts:
    url = "/api/suppressions/"

    def test_add_find_and_take_back(self, api: ApiMaker) -> None:
        client = api("view_suppression", "add_suppression", "delete_suppression", "view_phone_numbers")
        body = {"phone": "98765 43210", "message_type": "PROMOTIONAL", "reason": "asked by phone"}
        first, again = (client.post(self.url, body) for _ in range(2))
        assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
        assert first.json()["source"] == "api"
        found = client.get(f"{self.url}?phone=%2B919876543210").json()["results"]
        assert [row["phone"] for row in found] == [PHONE]
        assert client.delete(f"{self.url}{found[0]['id']}/").status_code == 204
        assert client.get(f"{self.url}{found[0]['id']}/").status_code == 404


@pytest.mark.parametrize(
    ("method", "url", "permission"),
    [
        ("get", URL, "view_message"),
        ("post", URL, "send_message"),
        ("get", "/api/suppressions/", "view_suppression"),
        ("post", "/api/suppressions/", "add_suppression"),
        ("get", "/api/campaigns/", "view_campaign"),
        ("post", "/api/campaigns/", "add_campaign"),
    ],
)
def test_each_door_needs_its_own_permission(api: ApiMaker, method: str, url: str, permission: str) -> None:
    everything = (
        *("view_message", "send_message", "view_suppression", "add_suppression"),
        *("view_campaign", "add_campaign", "launch_campaign", "import_campaign", "export_campaign"),
    )
    others = api(*(name for name in everything if name != permission))
    assert getattr(others, method)(url, {}).status_code == 403
    assert getattr(api(permission), method)(url, {}).status_code in (200, 400)
    assert getattr(APIClient(), method)(url, {}).status_code in (401, 403)


def test_throttles_are_a_setting_and_tell_when_to_come_again(api: ApiMaker, settings: Any) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "API_THROTTLES": {"read": "2/min"}}
    client = api("view_message", "send_message")
    assert [client.get(URL).status_code for _ in range(3)] == [200, 200, 429]
    answer = client.get(URL)
    assert 0 < int(answer["Retry-After"]) <= 60
    assert answer.json()["retry_after"] == int(answer["Retry-After"])
    assert client.post(URL, {}).status_code == 400  # sends have a rate of their own
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "API_THROTTLES": {"read": ""}}
    assert client.get(URL).status_code == 200
