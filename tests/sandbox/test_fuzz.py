"""Whatever comes in, the sandbox never answers by an error of its own: schemathesis on its OpenAPI."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from django_messagecentral.sandbox import Config, SandboxServer
from django_messagecentral.sandbox.openapi import document

from .conftest import ForeignClient

OPERATIONS = [found.ok() for found in schemathesis.openapi.from_dict(document("1")).get_all_operations()]
# Where nothing can be passed, nothing can be passed wrongly.
CASES = [
    (operation, mode)
    for operation in OPERATIONS
    for mode in GenerationMode
    if mode is GenerationMode.POSITIVE or operation.query or operation.body
]


@pytest.fixture(scope="module")
def fuzzed() -> Iterator[SandboxServer]:
    with SandboxServer(seed=2) as server:
        yield server


def test_the_document_is_published(fuzzed: SandboxServer) -> None:
    assert requests.get(f"{fuzzed.url}/_sandbox/openapi.json", timeout=5).json() == document("1")


@pytest.mark.parametrize(("operation", "mode"), CASES, ids=[f"{op.label} {mode.value}" for op, mode in CASES])
def test_no_request_breaks_it(
    fuzzed: SandboxServer, operation: schemathesis.APIOperation, mode: GenerationMode
) -> None:
    foreign = ForeignClient(fuzzed.url)

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
        database=None,
    )
    def fuzz(case: schemathesis.Case) -> None:
        fuzzed.state.config = Config()  # a fuzzed setting (a day of latency) must not slow the next case
        foreign.login()
        if case.path.endswith(("/wait", "/changes")):
            case.query = dict(case.query or {}) | {"timeout": 0.001}
        headers = {"authToken": foreign.token} if "/verification/" in case.path else {}
        answer = case.call(base_url=fuzzed.url, headers=headers, session=foreign.http, timeout=5)
        case.validate_response(answer, checks=[not_a_server_error])

    with foreign.http:
        fuzz()
