"""Endpoints and deliveries in the admin and through the REST API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from django_messagecentral.webhooks.models import WebhookDelivery, WebhookEndpoint
from tests.webhooks.conftest import Receiver, Subscribe

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]

ADMIN = "/admin/messagecentral"
API = "/api/webhook-endpoints/"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


def api(django_user_model: Any, *permissions: str) -> APIClient:
    user = django_user_model.objects.create_user(f"script{django_user_model.objects.count()}")
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="messagecentral", codename__in=permissions)
    )
    client = APIClient()
    client.force_authenticate(user)
    return client


class TestAdmin:
    def test_the_secret_is_shown_once(self, admin_client: Any, receiver: Receiver) -> None:
        answer = admin_client.post(
            f"{ADMIN}/webhookendpoint/add/",
            {"url": receiver.url, "description": "Shop", "events": ["campaign.paused"], "enabled": "on"},
            follow=True,
        )
        found = SECRET.findall(answer.content.decode())
        assert len(set(found)) == 1
        endpoint = WebhookEndpoint.objects.get()
        page = admin_client.get(f"{ADMIN}/webhookendpoint/{endpoint.pk}/change/").content.decode()
        assert not SECRET.search(page)
        assert endpoint.keys[0]["salt"] not in page
        admin_client.post(f"{ADMIN}/webhookendpoint/{endpoint.pk}/test/")
        (event,) = receiver.verified(found[0])
        assert event["type"] == "webhook.test"

    def test_a_rotation_shows_the_new_one_and_keeps_the_old(
        self, admin_client: Any, receiver: Receiver, subscribe: Subscribe
    ) -> None:
        endpoint, old = subscribe("campaign.paused")
        answer = admin_client.post(f"{ADMIN}/webhookendpoint/{endpoint.pk}/rotate/", follow=True)
        (new,) = set(SECRET.findall(answer.content.decode()))
        assert new != old
        admin_client.post(f"{ADMIN}/webhookendpoint/{endpoint.pk}/test/")
        assert receiver.verified(old) == receiver.verified(new)

    def test_an_inner_address_is_refused(self, admin_client: Any, settings: Any) -> None:
        answer = admin_client.post(
            f"{ADMIN}/webhookendpoint/add/",
            {"url": "https://169.254.169.254/", "events": ["campaign.paused"], "enabled": "on"},
        )
        assert "not a public one" in answer.content.decode()
        assert not WebhookEndpoint.objects.exists()

    def test_why_one_is_disabled_is_seen_and_enabling_begins_anew(
        self, admin_client: Any, receiver: Receiver, subscribe: Subscribe
    ) -> None:
        endpoint, _secret = subscribe("campaign.paused")
        WebhookEndpoint.objects.update(enabled=False, disabled_reason="Nothing but failures", failures=9)
        assert "Nothing but failures" in admin_client.get(f"{ADMIN}/webhookendpoint/").content.decode()
        admin_client.post(
            f"{ADMIN}/webhookendpoint/{endpoint.pk}/change/",
            {"url": receiver.url, "description": "", "events": ["campaign.completed"], "enabled": "on"},
        )
        endpoint.refresh_from_db()
        assert (endpoint.enabled, endpoint.disabled_reason, endpoint.failures) == (True, "", 0)
        assert endpoint.events == ["campaign.completed"]

    def test_deliveries_are_seen_and_sent_again(
        self, admin_client: Any, receiver: Receiver, subscribe: Subscribe
    ) -> None:
        endpoint, _secret = subscribe("campaign.paused")
        admin_client.post(f"{ADMIN}/webhookendpoint/{endpoint.pk}/test/")
        row = WebhookDelivery.objects.get()
        assert "webhook.test" in admin_client.get(f"{ADMIN}/webhookdelivery/").content.decode()
        page = admin_client.get(f"{ADMIN}/webhookdelivery/{row.pk}/change/").content.decode()
        assert str(endpoint.public_id) in page
        admin_client.post(f"{ADMIN}/webhookdelivery/", {"action": "send_again", "_selected_action": [row.pk]})
        assert len(receiver.requests) == 2
        assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1

    def test_buttons_need_the_permission_and_a_post(
        self, client: Any, django_user_model: Any, subscribe: Subscribe, receiver: Receiver
    ) -> None:
        endpoint, _secret = subscribe("campaign.paused")
        user = django_user_model.objects.create_user("clerk", is_staff=True)
        user.user_permissions.set(
            Permission.objects.filter(codename__in=("view_webhookendpoint", "view_webhookdelivery"))
        )
        client.force_login(user)
        for button in ("test", "rotate"):
            assert client.post(f"{ADMIN}/webhookendpoint/{endpoint.pk}/{button}/").status_code == 403
            assert client.get(f"{ADMIN}/webhookendpoint/{endpoint.pk}/{button}/").status_code == 405
        assert "Send again" not in client.get(f"{ADMIN}/webhookdelivery/").content.decode()
        assert receiver.requests == []


@pytest.mark.urls("tests.rest.urls")
class TestRest:
    def test_a_script_subscribes_tests_rotates_and_leaves(
        self, django_user_model: Any, receiver: Receiver
    ) -> None:
        names = ("view", "add", "change", "delete")
        client = api(django_user_model, "view_webhookdelivery", *(f"{n}_webhookendpoint" for n in names))
        body = {"url": receiver.url, "events": ["campaign.paused", "campaign.paused"]}
        made = client.post(API, body, format="json")
        assert made.status_code == 201
        first = made.json()
        assert first["events"] == ["campaign.paused"]
        one = f"{API}{first['id']}/"
        assert "secret" not in client.get(one).json()
        assert not SECRET.search(client.get(API).content.decode())
        assert client.post(f"{one}test/").status_code == 202
        assert receiver.verified(first["secret"])[0]["type"] == "webhook.test"
        rotated = client.post(f"{one}rotate-secret/").json()["secret"]
        assert rotated != first["secret"]
        changed = client.patch(
            one, {"events": ["campaign.completed"], "enabled": False}, format="json"
        ).json()
        assert (changed["events"], changed["enabled"]) == (["campaign.completed"], False)
        (seen,) = client.get(
            "/api/webhook-deliveries/", {"endpoint": first["id"], "state": "delivered"}
        ).json()["results"]
        assert (seen["body"]["type"], seen["http_status"]) == ("webhook.test", 204)
        client.patch(one, {"enabled": True}, format="json")
        assert client.post(f"/api/webhook-deliveries/{seen['id']}/replay/").status_code == 202
        assert len(receiver.verified(rotated, last=1)) == 1
        assert client.delete(one).status_code == 204
        assert client.get(one).status_code == 404

    def test_what_cannot_be_used_is_refused(self, django_user_model: Any, settings: Any) -> None:
        client = api(django_user_model, "add_webhookendpoint")
        for body in (
            {"url": "https://10.0.0.1/", "events": ["campaign.paused"]},
            {"url": "https://example.com/", "events": []},
            {"url": "https://example.com/", "events": ["campaign.burnt"]},
            {"events": ["campaign.paused"]},
        ):
            answer = client.post(API, body, format="json")
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
        settings.DEBUG = False
        answer = client.post(
            API, {"url": "http://example.com/", "events": ["campaign.paused"]}, format="json"
        )
        assert answer.status_code == 400

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("get", ""),
            ("post", ""),
            ("get", "{id}/"),
            ("patch", "{id}/"),
            ("delete", "{id}/"),
            ("post", "{id}/rotate-secret/"),
            ("post", "{id}/test/"),
        ],
    )
    def test_each_door_needs_its_permission(
        self, method: str, path: str, django_user_model: Any, subscribe: Subscribe, receiver: Receiver
    ) -> None:
        endpoint, _secret = subscribe("campaign.paused")
        client = api(django_user_model, "view_campaign")
        answer = getattr(client, method)(API + path.format(id=endpoint.public_id), {}, format="json")
        assert answer.status_code == 403
        assert receiver.requests == []
