"""The REST door under strange requests: no 500, and no answer that the schema does not name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.verification.fakes import FakeVendor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.verification.urls")]


@pytest.fixture
def api(live_server: Any, vendor: FakeVendor, configure: Callable[..., None]) -> Any:
    configure(OTP_SENDS_PER_IP_HOUR=100_000)
    raw = Client().get("/api/schema/?format=json").json()
    raw["paths"] = {path: item for path, item in raw["paths"].items() if "/verifications/" in path}
    schema = schemathesis.openapi.from_dict(raw)
    schema.config.update(base_url=live_server.url)
    return schema


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def test_no_500_and_no_undocumented_answer(api: Any) -> None:
    tried = []
    for operation in (found.ok() for found in api.get_all_operations()):

        @given(case=operation.as_strategy())
        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        def try_it(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS)

        try_it()
        tried.append(operation.label)
    assert len(tried) == 5
