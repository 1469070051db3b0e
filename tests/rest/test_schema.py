"""The OpenAPI document, and the doors under strange requests: no 500, no answer that it does not name."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
import schemathesis
from django.contrib.auth import get_user_model
from django.test import Client
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from rest_framework.authentication import BaseAuthentication
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.messaging.models import Budget, InboundMessage, Message, Rate, Suppression
from django_messagecentral.rest.base import Door
from django_messagecentral.verification.models import Verification
from django_messagecentral.webhooks.models import WebhookDelivery, WebhookEndpoint

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.rest.urls")]

PHONE = "+919876543210"


class Somebody(BaseAuthentication):
    """Whoever calls is the superuser of the test."""

    def authenticate(self, request: Any) -> Any:
        return get_user_model().objects.get(username="admin"), None


def document() -> Any:
    return Client().get("/schema/?format=json").json()


def test_it_is_valid_and_names_every_door() -> None:
    raw = document()
    validate_schema(raw)
    doors = {(path.removeprefix("/api"), method) for path, item in raw["paths"].items() for method in item}
    crud = ("/{id}/", "get"), ("/{id}/", "patch"), ("/{id}/", "delete"), ("/", "get"), ("/", "post")
    one, reports = "/campaigns/{id}", "/callbacks/{id}"
    assert doors == {
        *(("/messages/", method) for method in ("get", "post")),
        ("/messages/{id}/", "get"),
        *(
            (f"/{name}{path}", method)
            for name in ("suppressions", "rates", "budgets")
            for path, method in crud
        ),
        *((f"/campaigns{path}", method) for path, method in crud),
        *((f"{one}/uploads/", method) for method in ("get", "post")),
        *((f"{one}/{name}/", "post") for name in ("numbers", "recipients")),
        *((f"{one}/{name}/", "get") for name in ("report", "preview", "rejected", "rejected/download")),
        *((f"{one}/{name}/", "post") for name in ("launch", "pause", "resume", "cancel")),
        *(("/webhook-endpoints/", method) for method in ("get", "post")),
        *(("/webhook-endpoints/{id}/", method) for method in ("get", "patch", "delete")),
        *((f"/webhook-endpoints/{{id}}/{name}/", "post") for name in ("rotate-secret", "test")),
        ("/webhook-deliveries/", "get"),
        ("/webhook-deliveries/{id}/", "get"),
        ("/webhook-deliveries/{id}/replay/", "post"),
        (f"{one}/unconfirmed/", "get"),
        *((f"{one}/unconfirmed/{name}/", "post") for name in ("resend", "give-up")),
        ("/rates/import/", "post"),
        *((f"/{name}/", "get") for name in ("costs", "health", "inbound", "callbacks")),
        *((f"/{name}/{{id}}/", "get") for name in ("inbound", "callbacks")),
        *((f"{reports}/{name}/", "post") for name in ("assign", "dismiss", "retry")),
        ("/callbacks/registration/", "post"),
        ("/verifications/{id}/", "get"),
        *((f"/{name}/", "get") for name in ("verifications", "phone-locks", "refusals", "send-budgets")),
        ("/phone-locks/unlock/", "post"),
    } | {door for door in doors if door[0].startswith("/schema")}


def test_its_examples_are_what_it_describes() -> None:
    raw = document()
    count = 0
    for operation in (
        each for path, item in raw["paths"].items() if "schema" not in path for each in item.values()
    ):
        bodies = [(True, operation.get("requestBody", {}))]
        bodies += [(False, answer) for answer in operation["responses"].values()]
        for asked, body in bodies:
            for media in body.get("content", {}).values():
                schema = to_json_schema({**media["schema"], "components": raw["components"]}, asked)
                for example in media.get("examples", {}).values():
                    jsonschema.validate(example["value"], schema)
                    count += 1
    assert count > 300


def test_every_door_has_an_example_of_each_problem() -> None:
    raw = document()
    for path, item in raw["paths"].items():
        for method, operation in item.items():
            if not path.startswith("/api/"):
                continue
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert answer["content"]["application/problem+json"]["examples"], (path, method, status)


def to_json_schema(node: Any, asked: bool) -> Any:
    """OpenAPI 3.0's ``nullable`` and, of what is ``asked``, ``readOnly`` in JSON Schema's words."""
    if isinstance(node, list):
        return [to_json_schema(each, asked) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {key: to_json_schema(value, asked) for key, value in node.items() if key != "nullable"}
    if asked and isinstance(properties := node.get("properties"), dict):
        plain["required"] = [
            name for name in node.get("required", []) if not properties[name].get("readOnly")
        ]
    return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain


def subscriber() -> WebhookEndpoint:
    """One that nothing is sent to."""
    return WebhookEndpoint(url="https://example.com/hook", events=["message.status_changed"], enabled=False)


def existing(path: str) -> Any:
    """The id of a row of the kind that ``path`` is about."""
    makers: dict[str, Callable[[], Any]] = {
        "messages": lambda: Message(phone=PHONE, transaction_id="t"),
        "suppressions": lambda: Suppression(phone=PHONE),
        "inbound": lambda: InboundMessage(phone=PHONE, text="hi", fingerprint="f"),
        "callbacks": lambda: Callback(fingerprint="f", phone=PHONE, state=Callback.State.PARKED),
        "rates": lambda: Rate(price=1),
        "budgets": lambda: Budget(name="b", amount=1),
        "campaigns": lambda: Campaign(name="c", text="Hello ##var##!"),
        "verifications": lambda: Verification(phone=PHONE, purpose="signup", subject="s"),
        "webhook-endpoints": subscriber,
        "webhook-deliveries": lambda: WebhookDelivery(
            endpoint_id=subscriber().pk or 0, event="message.status_changed", body="{}"
        ),
    }
    new = makers[path.split("/")[2]]()
    found = type(new).objects.order_by("-pk").values_list("public_id", flat=True).first()
    if found is None:
        new.save()
    return found or new.public_id


def test_strange_requests(
    live_server: Any, admin_user: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MESSAGECENTRAL = {
        **settings.MESSAGECENTRAL,
        "API_THROTTLES": {"read": "", "write": "", "send": ""},
        "SENDING_ENABLED": False,
    }
    monkeypatch.setattr(Door, "authentication_classes", [Somebody])
    raw = document()
    raw["paths"] = {path: item for path, item in raw["paths"].items() if path.startswith("/api/")}
    schema = schemathesis.openapi.from_dict(raw)
    schema.config.update(base_url=live_server.url)
    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    ]
    tried = []
    odds = random.Random(0)
    for operation in (found.ok() for found in schema.get_all_operations()):
        tried.append(operation.label)

        @given(case=operation.as_strategy())
        @hypothesis_settings(
            max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None
        )
        def try_it(case: schemathesis.Case) -> None:
            if "id" in case.path_parameters and odds.random() < 0.7:  # otherwise every answer is 404
                case.path_parameters["id"] = str(existing(case.path))
            case.call_and_validate(checks=checks)

        try_it()
    assert len(tried) == sum(map(len, raw["paths"].values())) >= 59
