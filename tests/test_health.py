"""The health check finds what is broken, says what to do, and tells strangers nothing."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_messagecentral import health
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.gauges import IN_LINE
from django_messagecentral.messaging.markers import UPKEEP, set_marker
from django_messagecentral.messaging.models import Marker, Message
from django_messagecentral.messaging.states import Status
from django_messagecentral.sandbox import SandboxServer
from tests.celery_app import app as celery_app
from tests.settings import WEBHOOK_TOKEN

pytestmark = [pytest.mark.django_db, pytest.mark.db]

URL = "/messagecentral/health/"
PHONE = "+919876543210"


@pytest.fixture
def broker() -> Any:
    """``broker(url)``: the site's tasks go there."""
    conf = celery_app.conf
    before = (conf.task_always_eager, conf.broker_url)

    def use(url: str) -> None:
        conf.task_always_eager, conf.broker_url = False, url

    yield use
    conf.task_always_eager, conf.broker_url = before


@pytest.fixture(autouse=True)
def _alive(broker: Any) -> None:
    """A site with a broker of its own, and beat."""
    cache.clear()
    broker("memory://")
    set_marker(UPKEEP)


def found(name: str) -> tuple[str, str]:
    (finding,) = (finding for finding in health.check() if finding.name == name)
    return finding.status, finding.detail


def test_a_healthy_site(on_sandbox: SandboxServer) -> None:
    findings = health.check()
    assert health.worst(findings) == health.OK, findings
    assert not on_sandbox.messages()


class TestWhatIsBroken:
    def test_a_wrong_password(self, on_sandbox: SandboxServer, settings: Any) -> None:
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "PASSWORD": "a-wrong-one"}
        status, detail = found("credentials")
        assert status == health.FAILING
        assert "refuses" in detail
        assert "a-wrong-one" not in detail

    def test_an_unreachable_vendor(self, on_sandbox: SandboxServer, settings: Any) -> None:
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "BASE_URL": "http://127.0.0.1:9"}
        assert found("credentials")[0] == health.FAILING

    def test_a_token_that_has_expired(self, on_sandbox: SandboxServer, settings: Any) -> None:
        import base64

        body = base64.urlsafe_b64encode(json.dumps({"exp": 1_000_000_000}).encode()).decode().rstrip("=")
        token = f"eyJhbGciOiJIUzUxMiJ9.{body}.c2ln"
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "PASSWORD": "", "TOKEN": token}
        status, detail = found("credentials")
        assert (status, "expired" in detail) == (health.FAILING, True)

    def test_a_broker_that_is_down(self, broker: Any) -> None:
        broker("redis://127.0.0.1:9/0")
        assert found("broker")[0] == health.FAILING

    def test_a_cache_that_does_not_count(self, settings: Any) -> None:
        settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
        assert found("cache")[0] == health.FAILING

    def test_beat(self) -> None:
        Marker.objects.update(at=timezone.now() - timedelta(minutes=6))
        assert found("beat") == (health.FAILING, "no upkeep for 6 minutes: beat or every worker is down")
        Marker.objects.all().delete()
        assert found("beat")[0] == health.FAILING

    def test_the_kill_switch_is_a_warning(self, settings: Any) -> None:
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "SENDING_ENABLED": False}
        assert found("sending")[0] == health.WARNING

    def test_a_message_that_does_not_leave(self) -> None:
        old = timezone.now() - timedelta(minutes=20)
        row = Message.objects.create(phone=PHONE, text="x", status=Status.QUEUED, updated_at=old)
        assert found("queue")[0] == health.FAILING
        row.not_before = timezone.now() + timedelta(hours=1)
        row.save()
        assert found("queue") == (health.OK, "nothing waits")

    def test_a_long_queue_costs_what_a_short_one_does(self) -> None:
        old = timezone.now() - timedelta(minutes=20)
        campaign = Campaign.objects.create(
            name="c", text="x", status=CampaignStatus.SENDING, heartbeat_at=timezone.now()
        )
        Message.objects.bulk_create(
            Message(phone=f"+9198{n:08}", status=Status.QUEUED, campaign=campaign, updated_at=old)
            for n in range(IN_LINE + 100)
        )
        with CaptureQueriesContext(connection) as asked:
            assert health.PROBES["queue"]() == (health.WARNING, "the oldest message has waited 1200 s")
        assert all("LIMIT" in query["sql"] for query in asked)

    def test_reports_that_nobody_processes(self) -> None:
        old = timezone.now() - timedelta(minutes=20)
        Callback.objects.create(fingerprint="a", received_at=old, next_try_at=old)
        assert found("callbacks") == (health.FAILING, "1 reports wait for a worker")

    def test_a_webhook_that_was_never_registered(self) -> None:
        then = timezone.now() - timedelta(hours=3)
        Message.objects.create(phone=PHONE, status=Status.SUBMITTED, submitted_at=then)
        status, detail = found("callbacks")
        assert status == health.WARNING
        assert "registered" in detail


class TestTheDoors:
    def test_the_command(self, on_sandbox: SandboxServer) -> None:
        out = io.StringIO()
        call_command("messagecentral_health", json=True, stdout=out)
        assert json.loads(out.getvalue())["status"] == "ok"
        Marker.objects.all().delete()
        with pytest.raises(CommandError):
            call_command("messagecentral_health", stdout=out)
        assert "beat: the upkeep task has never run" in out.getvalue()

    def test_strangers_learn_one_word(
        self, client: Client, admin_client: Client, on_sandbox: SandboxServer
    ) -> None:
        assert (client.get(URL).status_code, client.get(URL).json()) == (200, {"status": "ok"})
        assert client.head(URL).status_code == 200
        wrong = client.get(URL, headers={"X-Messagecentral-Token": "not-the-token-0123456789"})
        assert wrong.json() == {"status": "ok"}
        for insider in (
            admin_client.get(URL),
            client.get(URL, headers={"X-Messagecentral-Token": WEBHOOK_TOKEN}),
        ):
            assert {check["name"] for check in insider.json()["checks"]} == set(health.PROBES)

    def test_a_failure_is_503(self, client: Client, on_sandbox: SandboxServer) -> None:
        Marker.objects.all().delete()
        answer = client.get(URL)
        assert (answer.status_code, answer.json()) == (503, {"status": "failing"})

    def test_many_calls_ask_the_vendor_once(
        self, client: Client, on_sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked: list[int] = []
        monkeypatch.setitem(health.PROBES, "credentials", lambda: (asked.append(1), ("ok", "x"))[1])
        for _ in range(5):
            client.get(URL)
        assert asked == [1]
