"""What OpenTelemetry sees, through the SDK's own exporter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from django_messagecentral import send_message, tracing
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.dispatch import dispatch
from django_messagecentral.campaigns.imports import run_import
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from django_messagecentral.sandbox import SandboxServer
from django_messagecentral.verification.service import check_verification, start_verification
from tests.conftest import SheetMaker

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+919876543210"


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """A process has one provider for good."""
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    return kept


@pytest.fixture(autouse=True)
def spans(exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``spans("messagecentral.vendor.message")``: the finished ones of that name."""
    exporter.clear()
    monkeypatch.setattr(service, "call_pullers", lambda campaign_id: None)
    yield lambda name: [span for span in exporter.get_finished_spans() if span.name == name]
    told = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert told
    for secret in ("9876543210", "98765432", "Packed", "Anita", "sandbox-password"):
        assert secret not in told


def facts(span: ReadableSpan) -> dict[str, Any]:
    return {key.removeprefix("messagecentral."): value for key, value in (span.attributes or {}).items()}


def test_a_call_tells_its_channel_and_how_it_ended(spans: Any, on_sandbox: SandboxServer) -> None:
    send_message(PHONE, "Packed")
    (call,) = spans("messagecentral.vendor.message")
    assert facts(call) == {"channel": "SMS", "outcome": "accepted", "response_code": 200, "http_status": 200}
    assert (call.kind, call.status.is_ok) == (trace.SpanKind.CLIENT, True)
    assert len(spans("messagecentral.vendor.token")) == 1


def test_a_refusal_is_an_answer_and_a_lost_answer_is_an_error(spans: Any, on_sandbox: SandboxServer) -> None:
    send_message("+917999000511", "Packed")
    send_message("+917999000603", "Packed")
    refused, lost = spans("messagecentral.vendor.message")
    assert facts(refused)["outcome"] == "refused"
    assert facts(refused)["response_code"] == 511
    assert refused.status.is_ok
    assert facts(lost)["outcome"] == "may_have_left"
    assert not lost.status.is_ok
    assert not lost.events


def test_codes_leave_no_trace(spans: Any, exporter: InMemorySpanExporter, on_sandbox: SandboxServer) -> None:
    started = start_verification(PHONE, subject="shop:1")
    assert started.verification
    code = str(on_sandbox.messages(PHONE[1:])[-1]["otp"])
    assert check_verification(started.verification.public_id, code, subject="shop:1").ok
    assert len(spans("messagecentral.vendor.otp")) == len(spans("messagecentral.vendor.validate")) == 1
    attributes = [facts(span) for span in exporter.get_finished_spans()]
    assert code not in str(attributes)


def test_a_campaigns_calls_are_children_of_its_slice(
    spans: Any, on_sandbox: SandboxServer, make_sheet: SheetMaker
) -> None:
    sheet = make_sheet([[91, f"98765432{n:02}", "Anita", n, "x"] for n in range(10, 30)])
    campaign = service.create_campaign("Diwali", "Hello ##var##", file=sheet)
    run_import(campaign.uploads.get().pk)
    campaign.refresh_from_db()
    service.launch(campaign)
    with tracing.span("the site's own"):
        dispatch(campaign.pk)
    (piece,), (own,) = spans("messagecentral.campaign.slice"), spans("the site's own")
    calls = spans("messagecentral.vendor.message")
    assert len(calls) == 20
    assert {call.parent.span_id for call in calls} == {piece.context.span_id}
    assert piece.parent.span_id == own.context.span_id
    assert facts(piece) == {"campaign_id": str(campaign.public_id), "calls": 20}


def test_reports_are_traced_from_the_door_to_the_message(spans: Any) -> None:
    row = Message.objects.create(phone=PHONE, status=Status.SUBMITTED, transaction_id="T-1")
    receive({"messageId": row.transaction_id, "mobile": PHONE[1:], "status": "DELIVRD"})
    processing.process_batch()
    assert facts(spans("messagecentral.webhook.receive")[0]) == {"reports": 1, "new": 1}
    assert {"reports": 1, "changed": 1} in [facts(span) for span in spans("messagecentral.callbacks.batch")]


def test_what_raises_is_an_error_without_its_words(spans: Any) -> None:
    with pytest.raises(ValueError, match=PHONE[1:]), tracing.span("broken"):
        raise ValueError(f"no such phone: {PHONE}")
    (span,) = spans("broken")
    assert (span.status.is_ok, span.events, span.attributes["error.type"]) == (False, (), "ValueError")


WITHOUT = """
import sys
sys.modules["opentelemetry"] = None
from django_messagecentral import tracing
from django_messagecentral.client.spans import vendor_call
def work(): return 7
assert tracing.INSTALLED is False
assert tracing.traced("x")(work) is work
assert tracing.carried(work) is work
assert tracing.span("x") is tracing.span("y") is tracing._NOTHING
with tracing.span("x"), vendor_call("otp", "SMS"):
    tracing.note(a=1)
    tracing.failed()
print("ok")
"""


def test_without_the_library_nothing_is_made(spans: Any) -> None:
    with tracing.span("so that the fixture has something to look at"):
        answer = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert (answer.stdout, answer.stderr) == ("ok\n", "")
