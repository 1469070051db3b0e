"""The webhook: stores whatever JSON comes behind a valid token, once, and tells strangers nothing."""

from __future__ import annotations

import io
import json
import socket
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from django_messagecentral import signals
from django_messagecentral.callbacks import processing, tasks
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.callbacks.tasks import process_callbacks
from django_messagecentral.messaging.states import Status
from tests.settings import WEBHOOK_TOKEN

pytestmark = [pytest.mark.django_db, pytest.mark.db]

# The vendor document's own example, whole.
DOCUMENTED = {
    "apiKey": None,
    "clientId": None,
    "messageId": "a2e87214-d18c-4a2e-b7f4-802c4465a9b9",
    "status": "DELIVRD",
    "errorCode": 0,
    "countryCode": None,
    "mobile": "919999999999",
    "submitDate": "2023-11-02 13:59:18",
    "doneDate": "2023-11-02 13:59:22",
}


def post(client: Client, payload: Any, token: str = WEBHOOK_TOKEN, **extra: Any) -> Any:
    body = payload if isinstance(payload, bytes) else json.dumps(payload)
    return client.post(
        reverse("messagecentral:webhook", args=[token]), body, content_type="application/json", **extra
    )


def test_the_documented_payload_is_stored_and_read(client: Client) -> None:
    assert post(client, DOCUMENTED).json() == {"stored": 1}
    callback = Callback.objects.get()
    assert callback.payload == DOCUMENTED
    assert callback.phone == "+919999999999"
    assert callback.vendor_status == "DELIVRD"
    assert callback.done_at is not None
    assert callback.done_at.isoformat() == "2023-11-02T08:29:22+00:00"  # 13:59:22 in India


def test_the_same_report_again_changes_nothing(client: Client) -> None:
    post(client, DOCUMENTED)
    again = post(client, {**DOCUMENTED, "clientId": "x"})
    assert (again.status_code, again.json()) == (200, {"stored": 0})
    assert Callback.objects.count() == 1


def test_two_recipients_of_one_bulk_call_share_an_id_and_are_two_reports(client: Client) -> None:
    answer = post(client, [DOCUMENTED, {**DOCUMENTED, "mobile": "918888888888"}, DOCUMENTED])
    assert answer.json() == {"stored": 2}


@pytest.mark.parametrize(
    "variant",
    [
        {"mobile": "+919999999999"},
        {"mobile": 919999999999},
        {"mobile": "9999999999", "countryCode": "91"},
        {"mobile": "9999999999", "countryCode": 91},
        {"errorCode": "0"},
        {"errorCode": None},
        {"doneDate": None},
        {"doneDate": "31/02/2023"},
        {"doneDate": "2023-02-31 10:00:00"},
        {"submitDate": 5},
        {"status": "delivrd"},
        {"status": "SOMETHING_NEW"},
        {"more": {"unknown": ["fields"]}},
    ],
)
def test_variants_are_kept_and_understood(client: Client, variant: dict[str, Any]) -> None:
    assert post(client, {**DOCUMENTED, **variant}).status_code == 200
    callback = Callback.objects.get()
    assert callback.phone == "+919999999999"
    assert callback.payload == {**DOCUMENTED, **variant}


@pytest.mark.parametrize("payload", [{}, [], 5, "text", None, True, [[]], [None, 1], {"status": {"a": 1}}])
def test_any_other_json_is_stored_as_unreadable_and_answered_200(client: Client, payload: Any) -> None:
    assert post(client, payload).status_code == 200
    assert not Callback.objects.exclude(state=Callback.State.UNREADABLE).exists()


@pytest.mark.parametrize(
    "body",
    [
        rb'{"status": "DELIVRD", "messageId": "a\u0000b", "note": "\u0000"}',
        rb'{"status": "DELIVRD", "messageId": "a\ud800b", "\udfff": "\ud83d"}',
        rb'{"status": "DELIVRD", "messageId": "a", "n": 1e999}',
        b'{"status": "DELIVRD", "messageId": "a", "deep": ' + b"[" * 200 + b"]" * 200 + b"}",
        b'{"status": "'
        + b"D" * 500
        + b'", "messageId": "'
        + b"i" * 500
        + b'", "errorCode": '
        + b"9" * 300
        + b"}",
        b'{"status": "DELIVRD", "messageId": "a", "n": ' + b"9" * 5000 + b"}",
    ],
    ids=["nul", "surrogate", "infinity", "deep", "long", "huge number"],
)
def test_json_that_databases_stumble_over_is_stored_too(client: Client, body: bytes) -> None:
    assert post(client, body).json() == {"stored": 1}


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"status=DELIVRD", b'{"a": NaN}', b"[" * 60_000])
def test_what_is_no_json_is_refused_with_a_reason(client: Client, body: bytes) -> None:
    answer = post(client, body)
    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]
    assert not Callback.objects.exists()


def test_a_large_body_is_refused(client: Client) -> None:
    assert post(client, "x" * 70_000).status_code == 413


@pytest.mark.parametrize("length", ["abc", "-5", "1e3", "\u0661", "9" * 5000])
def test_a_length_that_is_no_number_is_refused_with_a_reason(client: Client, length: str) -> None:
    answer = post(client, DOCUMENTED, CONTENT_LENGTH=length)
    assert answer.status_code == (413 if length.startswith("9") else 400)
    assert answer.json()["error"]
    assert not Callback.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("length", [b"abc", b"-5"])
def test_a_length_that_is_no_number_over_a_real_connection(live_server: Any, length: bytes) -> None:
    path = reverse("messagecentral:webhook", args=[WEBHOOK_TOKEN]).encode()
    with socket.create_connection((live_server.thread.host, live_server.thread.port), timeout=10) as wire:
        wire.sendall(
            b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: " + length + b"\r\nConnection: close\r\n\r\n{}"
        )
        answer = b"".join(iter(lambda: wire.recv(4096), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 400 " in head.splitlines()[0]
    assert "Content-Length" in json.loads(body)["error"]


@pytest.mark.parametrize("address", ["", "unix:", "fe80::1%eth0", "not-an-address"])
def test_an_address_that_is_none_loses_no_report(client: Client, address: str) -> None:
    assert post(client, DOCUMENTED, REMOTE_ADDR=address).json() == {"stored": 1}
    assert Callback.objects.get().remote_ip == ("fe80::1" if address.startswith("fe80") else None)


@pytest.mark.parametrize("token", ["wrong", WEBHOOK_TOKEN[:-1], WEBHOOK_TOKEN + "0"])
@pytest.mark.parametrize("method", ["get", "head", "post"])
def test_a_wrong_token_learns_nothing(client: Client, token: str, method: str) -> None:
    answer = getattr(client, method)(reverse("messagecentral:webhook", args=[token]))
    assert (answer.status_code, answer.content) == (403, b"")


def test_without_any_configured_token_every_door_is_shut(client: Client, settings: Any) -> None:
    settings.MESSAGECENTRAL = {"WEBHOOK_TOKENS": [""]}
    assert (
        client.post(reverse("messagecentral:webhook-by-header"), "{}", "application/json").status_code == 403
    )


def test_set_up_checks_are_answered(client: Client) -> None:
    url = reverse("messagecentral:webhook", args=[WEBHOOK_TOKEN])
    assert client.get(url).status_code == client.head(url).status_code == 200


def test_the_token_may_come_in_a_header_and_both_tokens_of_a_rotation_work(
    client: Client, settings: Any
) -> None:
    settings.MESSAGECENTRAL = {"WEBHOOK_TOKENS": ["old-" + "x" * 30, "new-" + "x" * 30]}
    url = reverse("messagecentral:webhook-by-header")
    for token in settings.MESSAGECENTRAL["WEBHOOK_TOKENS"]:
        assert client.get(url, headers={"X-Messagecentral-Token": token}).status_code == 200
        assert post(client, DOCUMENTED, token).status_code == 200


def test_only_allowed_networks_are_heard(client: Client, settings: Any) -> None:
    settings.MESSAGECENTRAL = {
        **settings.MESSAGECENTRAL,
        "WEBHOOK_ALLOWED_IPS": ["10.1.0.0/16", "2001:db8::/32"],
    }
    assert post(client, DOCUMENTED, REMOTE_ADDR="10.2.0.1").status_code == 403
    assert post(client, DOCUMENTED, REMOTE_ADDR="10.1.2.3").status_code == 200
    assert post(client, DOCUMENTED, REMOTE_ADDR="2001:db8::5").status_code == 200


def test_behind_a_trusted_proxy_the_caller_counts(client: Client, settings: Any) -> None:
    settings.MESSAGECENTRAL = {
        **settings.MESSAGECENTRAL,
        "WEBHOOK_ALLOWED_IPS": ["203.0.113.0/24"],
        "TRUSTED_PROXIES": ["127.0.0.1"],
    }
    via = {"REMOTE_ADDR": "127.0.0.1"}
    assert (
        post(client, DOCUMENTED, HTTP_X_FORWARDED_FOR="203.0.113.9, 198.51.100.1", **via).status_code == 403
    )
    assert (
        post(client, DOCUMENTED, HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.9", **via).status_code == 200
    )
    assert Callback.objects.get().remote_ip == "203.0.113.9"
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "TRUSTED_PROXIES": []}
    assert post(client, DOCUMENTED, HTTP_X_FORWARDED_FOR="203.0.113.9", **via).status_code == 403


def test_a_body_in_chunks_without_a_length_is_read(client: Client) -> None:
    body = io.BytesIO(json.dumps(DOCUMENTED).encode())
    environ: dict[str, Any] = {"CONTENT_LENGTH": "", "wsgi.input": body, "wsgi.input_terminated": True}
    assert post(client, b"", **environ).json() == {"stored": 1}
    environ["wsgi.input"] = io.BytesIO(b"x" * 70_000)
    assert post(client, b"", **environ).status_code == 413


@pytest.mark.django_db(transaction=True)
def test_a_report_costs_one_insert(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    called: list[bool] = []
    monkeypatch.setattr(processing, "call_worker", lambda: called.append(True))
    with django_assert_num_queries(1):
        assert post(client, DOCUMENTED).json() == {"stored": 1}
    assert called


def test_the_same_number_in_another_spelling_is_the_same_report(client: Client) -> None:
    for mobile in ("919999999999", "+919999999999", 919999999999, 919999999999.0):
        post(client, {**DOCUMENTED, "mobile": mobile})
    assert Callback.objects.count() == 1


def test_the_admin_finds_a_report_by_its_number_or_its_id(admin_client: Client) -> None:
    reports = [DOCUMENTED, {**DOCUMENTED, "mobile": "918888888888", "messageId": "another"}]
    receive(reports)
    for asked in ("919999999999", "+919999999999", DOCUMENTED["messageId"]):
        page = admin_client.get("/admin/messagecentral/callback/", {"q": asked}).content.decode()
        assert "+919999999999" in page
        assert "+918888888888" not in page


class TestUnderLoad:
    """A call to a worker covers the reports of the next moment: its task looks once more after it."""

    @pytest.fixture(autouse=True)
    def broker(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
        calls: list[dict[str, Any]] = []
        monkeypatch.setattr(process_callbacks, "apply_async", lambda **options: calls.append(options))
        with_broker = SimpleNamespace(conf=SimpleNamespace(task_always_eager=False))
        monkeypatch.setattr(processing, "current_app", with_broker)
        monkeypatch.setattr(processing, "_quiet_until", 0.0)
        processing.forget_call()
        return calls

    def test_many_reports_are_one_call(self, broker: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        clock = [100.0]
        monkeypatch.setattr(processing.time, "monotonic", lambda: clock[0])
        for _ in range(50):
            processing.call_worker()
        assert len(broker) == 1
        processing.forget_call()  # the task has begun
        processing.call_worker()
        assert len(broker) == 1
        clock[0] += processing.QUIET
        processing.call_worker()
        assert len(broker) == 2

    def test_the_task_sees_what_was_stored_within_that_moment(
        self, broker: list[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        slept: list[float] = []

        def meanwhile(seconds: float) -> None:
            slept.append(seconds)
            receive(DOCUMENTED)

        monkeypatch.setattr(tasks.time, "sleep", meanwhile)
        process_callbacks()
        assert 0 < slept[0] <= processing.LINGER
        assert processing.LINGER > processing.QUIET
        assert Callback.objects.get().tries == 1


def test_csrf_and_required_login_do_not_stop_the_vendor(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
    assert post(Client(enforce_csrf_checks=True), DOCUMENTED).status_code == 200


def test_with_the_broker_down_the_report_is_stored_and_the_sweep_finds_it(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    from kombu.exceptions import OperationalError

    from django_messagecentral.callbacks.tasks import process_callbacks
    from django_messagecentral.campaigns import sweep

    def refuse(*_: Any, **__: Any) -> None:
        raise OperationalError("connection refused")

    with monkeypatch.context() as broken, django_capture_on_commit_callbacks(execute=True):
        broken.setattr(process_callbacks, "apply_async", refuse)
        assert post(client, DOCUMENTED).json() == {"stored": 1}
    assert Callback.objects.get().state == Callback.State.PENDING
    sweep.process_callbacks()
    assert Callback.objects.get().tries == 1


def test_a_receiver_that_raises_loses_no_report(
    client: Client, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
) -> None:
    heard: list[Any] = []

    def explode(**_: Any) -> None:
        raise RuntimeError("a bug of the site")

    def listen(event: Any, **_: Any) -> None:
        heard.append(event)

    signals.callback_received.connect(explode)
    signals.callback_received.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            assert post(client, DOCUMENTED).status_code == 200
            assert post(client, DOCUMENTED).status_code == 200
    finally:
        signals.callback_received.disconnect(explode)
        signals.callback_received.disconnect(listen)
    (event,) = heard
    assert (event.status, event.phone) == (Status.DELIVERED, "+919999999999")
    assert (event.message_id, event.error_code, event.payload) == (DOCUMENTED["messageId"], "0", DOCUMENTED)
    assert event.submitted_at < event.done_at < event.received_at
    assert "919999999999" not in repr(event).replace(event.phone, "")
    assert "a bug of the site" in caplog.text
    assert Callback.objects.count() == 1
