"""The OpenAPI document, and the doors under strange requests: no 500, no answer that it does not name."""

from __future__ import annotations

from typing import Any

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

from django_messagecentral.rest.base import Door

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.rest.urls")]


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
    one = "/campaigns/{id}"
    assert doors == {
        *(("/messages/", method) for method in ("get", "post")),
        ("/messages/{id}/", "get"),
        *(("/suppressions/", method) for method in ("get", "post")),
        *(("/suppressions/{id}/", method) for method in ("get", "delete")),
        *(("/campaigns/", method) for method in ("get", "post")),
        (f"{one}/", "get"),
        *((f"{one}/uploads/", method) for method in ("get", "post")),
        *((f"{one}/{name}/", "get") for name in ("report", "rejected")),
        *((f"{one}/{name}/", "post") for name in ("launch", "pause", "resume", "cancel")),
        *(("/webhook-endpoints/", method) for method in ("get", "post")),
        *(("/webhook-endpoints/{id}/", method) for method in ("get", "patch", "delete")),
        *((f"/webhook-endpoints/{{id}}/{name}/", "post") for name in ("rotate-secret", "test")),
        ("/webhook-deliveries/", "get"),
        ("/webhook-deliveries/{id}/", "get"),
        ("/webhook-deliveries/{id}/replay/", "post"),
    } | {door for door in doors if door[0].startswith("/schema")}


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
    for operation in (found.ok() for found in schema.get_all_operations()):
        tried.append(operation.label)

        @given(case=operation.as_strategy())
        @hypothesis_settings(
            max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None
        )
        def try_it(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=checks)

        try_it()
    assert len(tried) == 28
