"""The REST door under strange requests: no 500, and no answer that the schema does not name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from django_messagecentral.verification.service import start_verification
from django_messagecentral.verification.subjects import token_subject
from tests.verification.conftest import PHONE
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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
BODIES = st.fixed_dictionaries({}, optional={"code": JSON, "channel": JSON, "phone": JSON}) | JSON


@pytest.mark.parametrize("action", ["check", "resend", "cancel"])
def test_strange_bodies_for_a_verification_that_is_there(
    api: Any, vendor: FakeVendor, configure: Callable[..., None], action: str
) -> None:
    """Strange requests by chance never find an id: here is one."""
    configure(OTP_MAX_ATTEMPTS=10_000, OTP_PHONE_WRONG_CODES_PER_HOUR=10_000)
    client, vendor.timeout = Client(), 600.0
    path = f"/api/messagecentral/verifications/{{id}}/{action}/"
    documented = api.raw_schema["paths"][path]["post"]["responses"]

    @given(body=BODIES)
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def try_it(body: Any) -> None:
        found = start_verification(PHONE, subject=token_subject("key")).verification
        assert found is not None
        url = path.replace("{id}", str(found.public_id))
        answer = client.post(url, body, "application/json", HTTP_X_VERIFICATION_TOKEN="key")
        assert str(answer.status_code) in documented
        assert answer.status_code != 404
        assert answer.json()

    try_it()
