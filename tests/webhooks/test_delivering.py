"""Retries, leases, endpoints that fail, secrets that are rotated."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone
from standardwebhooks import WebhookVerificationError

from django_messagecentral import health
from django_messagecentral.campaigns.sweep import call_for_webhooks, sweep
from django_messagecentral.webhooks import delivering, outbox, posting, retention, service, signing
from django_messagecentral.webhooks.delivering import DELAYS, deliver_batch
from django_messagecentral.webhooks.models import WebhookDelivery, WebhookEndpoint
from django_messagecentral.webhooks.tasks import deliver_webhooks
from tests.webhooks.conftest import Receiver, Subscribe

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]

EVENT = "message.opted_out"


def written(endpoint: WebhookEndpoint, count: int = 1) -> list[WebhookDelivery]:
    """Deliveries that no task was called for."""
    return WebhookDelivery.objects.bulk_create(
        WebhookDelivery(endpoint=endpoint, event=EVENT, body=f'{{"type":"{EVENT}","n":{n}}}')
        for n in range(count)
    )


def let_time_pass(seconds: float = 10**6) -> None:
    """What waits is due, and blocks are over."""
    past = timezone.now() - timedelta(seconds=1)
    WebhookDelivery.objects.filter(state="pending").update(next_try_at=past)
    WebhookEndpoint.objects.filter(blocked_until__isnull=False).update(blocked_until=past)


def test_a_failure_is_tried_again_with_the_same_id(receiver: Receiver, subscribe: Subscribe) -> None:
    endpoint, secret = subscribe(EVENT)
    (row,) = written(endpoint)
    receiver.status = 500
    assert deliver_batch() == 1
    row.refresh_from_db()
    endpoint.refresh_from_db()
    assert (row.state, row.attempts, row.http_status, row.claim) == ("pending", 1, 500, None)
    assert 3 < (row.next_try_at - timezone.now()).total_seconds() < 7
    assert endpoint.failures == 1
    assert endpoint.failing_since
    assert endpoint.blocked_until
    assert endpoint.blocked_until > timezone.now()
    assert deliver_batch() == 0
    receiver.status = 200
    let_time_pass()
    sweep()
    row.refresh_from_db()
    endpoint.refresh_from_db()
    assert (row.state, row.attempts, row.http_status) == ("delivered", 2, 200)
    assert (endpoint.failures, endpoint.failing_since, endpoint.blocked_until) == (0, None, None)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len(receiver.verified(secret)) == 2


def test_it_is_given_up_after_about_a_day(receiver: Receiver, subscribe: Subscribe) -> None:
    assert 20 * 3600 < sum(DELAYS) < 28 * 3600
    assert list(DELAYS) == sorted(DELAYS)
    endpoint, _secret = subscribe(EVENT)
    written(endpoint)
    receiver.status = 503
    for _attempt in range(len(DELAYS) + 3):
        let_time_pass()
        deliver_batch()
    row = WebhookDelivery.objects.get()
    assert (row.state, row.attempts, row.http_status) == ("failed", len(DELAYS) + 1, 503)
    assert row.finished_at
    assert len(receiver.requests) == len(DELAYS) + 1
    receiver.status = 200
    assert service.replay(WebhookDelivery.objects.all()) == 1
    let_time_pass()
    deliver_batch()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("delivered", 1)


def test_retry_after_is_obeyed_within_an_hour(receiver: Receiver, subscribe: Subscribe) -> None:
    endpoint, _secret = subscribe(EVENT)
    written(endpoint)
    receiver.status, receiver.answer_headers = 429, {"Retry-After": "900"}
    deliver_batch()
    waits = (WebhookDelivery.objects.get().next_try_at - timezone.now()).total_seconds()
    assert 880 < waits <= 900


def test_an_endpoint_that_is_down_is_probed_and_the_others_are_served(
    receiver: Receiver, subscribe: Subscribe
) -> None:
    down, _secret = subscribe(EVENT, url="http://127.0.0.1:9/closed")
    written(down, 30)
    deliver_batch()
    assert Counter(WebhookDelivery.objects.values_list("attempts", flat=True)) == {0: 5, 1: 25}
    let_time_pass()
    up, _secret = subscribe(EVENT)
    written(up, 3)
    assert deliver_batch() == 4  # one probe
    assert len(receiver.requests) == 3
    assert deliver_batch() == 0  # it is blocked meanwhile
    first = WebhookDelivery.objects.filter(endpoint=down, attempts__gt=0).first()
    assert first
    assert (first.http_status, first.detail) == (None, "no answer (ConnectionRefusedError)")


def test_long_failure_disables_it_and_says_so(receiver: Receiver, subscribe: Subscribe) -> None:
    endpoint, secret = subscribe(EVENT)
    written(endpoint, 2)
    receiver.status = 500
    deliver_batch()
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=4))
    let_time_pass()
    deliver_batch()
    endpoint.refresh_from_db()
    assert not endpoint.enabled
    assert endpoint.disabled_reason == "Nothing but failures for 72 hours. The last one: 500"
    finding = next(each for each in health.check() if each.name == "webhooks")
    assert (finding.status, finding.detail) == (
        "warning",
        "1 webhook endpoints were disabled after long failure",
    )
    assert outbox.subscribers(EVENT) == []
    receiver.status = 200
    let_time_pass()
    assert deliver_batch() == 0
    service.change_endpoint(endpoint, enabled=True)  # what waits for it leaves at once
    assert Counter(WebhookDelivery.objects.values_list("state", flat=True)) == {"delivered": 2}
    assert endpoint.disabled_reason == ""
    assert len(receiver.verified(secret, last=2)) == 2


def test_gone_disables_it_at_once(receiver: Receiver, subscribe: Subscribe) -> None:
    endpoint, _secret = subscribe(EVENT)
    written(endpoint)
    receiver.status = 410
    deliver_batch()
    endpoint.refresh_from_db()
    assert (endpoint.enabled, "410" in endpoint.disabled_reason) == (False, True)


def test_two_workers_at_once_send_each_once(receiver: Receiver, subscribe: Subscribe) -> None:
    endpoint, _secret = subscribe(EVENT)
    written(endpoint, 80)
    gate = threading.Barrier(2)
    failures: list[BaseException] = []

    def work() -> None:
        try:
            gate.wait()
            deliver_webhooks()
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    deliver_webhooks()
    assert not WebhookDelivery.objects.exclude(detail="").exists()
    heard = Counter(request.headers["webhook-id"] for request in receiver.requests)
    assert (len(heard), set(heard.values())) == (80, {1})
    assert set(WebhookDelivery.objects.values_list("state", "attempts", "claim")) == {("delivered", 1, None)}


def test_a_slow_subscriber_occupies_one_worker_and_no_more(
    receiver: Receiver, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "BATCH", 4)
    endpoint, _secret = subscribe(EVENT)
    written(endpoint, 10)
    receiver.hold, posting_began = threading.Event(), threading.Event()
    real = delivering._post

    def post(*given: Any) -> posting.Answer:
        posting_began.set()
        return real(*given)

    monkeypatch.setattr(delivering, "_post", post)
    done: list[int] = []

    def work() -> None:
        done.append(deliver_batch())
        connections.close_all()

    first = threading.Thread(target=work)
    first.start()
    assert posting_began.wait(10)
    assert deliver_batch() == 0
    receiver.hold.set()
    first.join()
    assert done == [4]
    assert deliver_batch() == 4


def test_what_a_killed_worker_held_is_due_when_its_lease_ends(
    receiver: Receiver, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, _secret = subscribe(EVENT)
    written(endpoint)

    class Killed(BaseException):
        pass

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_record", die)
        with pytest.raises(Killed):
            deliver_batch()
    assert deliver_batch() == 0
    row = WebhookDelivery.objects.get()
    assert row.claim
    assert row.next_try_at > timezone.now() + timedelta(seconds=delivering.START_WITHIN)
    let_time_pass()
    call_for_webhooks()
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("delivered", 1)
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


def test_an_answer_that_comes_after_the_lease_changes_nothing(
    receiver: Receiver, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, _secret = subscribe(EVENT)
    written(endpoint)

    def slow(*_: Any) -> posting.Answer:
        WebhookDelivery.objects.update(state="delivered", claim=None, attempts=7)  # another worker's
        return posting.Answer(500)

    monkeypatch.setattr(delivering, "THREADS", 1)
    monkeypatch.setattr(delivering.ThreadPoolExecutor, "map", lambda pool, *args: list(map(*args)))
    monkeypatch.setattr(delivering, "_post", slow)
    deliver_batch()
    assert WebhookDelivery.objects.get().state == "delivered"
    assert WebhookDelivery.objects.get().attempts == 7


def test_no_transaction_is_open_while_it_posts(
    receiver: Receiver, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, _secret = subscribe(EVENT)
    written(endpoint)
    of_the_worker, seen = connections["default"], []

    def look(*_: Any) -> posting.Answer:
        seen.append(of_the_worker.in_atomic_block)
        return posting.Answer(204)

    monkeypatch.setattr(delivering, "post", look)
    deliver_batch()
    assert seen == [False]
    assert not connection.in_atomic_block


def test_a_rotated_secret_stays_valid_for_a_day(
    receiver: Receiver, subscribe: Subscribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, old = subscribe(EVENT)
    new = service.rotate_secret(endpoint)
    assert new != old
    assert new.startswith("whsec_")
    written(endpoint)
    deliver_batch()
    assert receiver.verified(old) == receiver.verified(new)
    tomorrow = timezone.now() + timedelta(hours=25)
    assert len(signing.living(endpoint.keys, tomorrow)) == 1
    endpoint.keys = [dict(key) for key in signing.living(endpoint.keys, tomorrow)]
    endpoint.save()
    written(endpoint)
    deliver_batch()
    assert receiver.verified(new, last=1)
    with pytest.raises(WebhookVerificationError):
        receiver.verified(old, last=1)


def test_a_new_site_key_does_not_silence_subscribers(
    receiver: Receiver, subscribe: Subscribe, settings: Any
) -> None:
    endpoint, secret = subscribe(EVENT)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-the-site-that-is-long-enough"
    written(endpoint)
    deliver_batch()
    assert receiver.verified(secret)


def test_the_table_holds_no_secret(subscribe: Subscribe) -> None:
    endpoint, secret = subscribe(EVENT)
    stored = str(WebhookEndpoint.objects.values().get(pk=endpoint.pk))
    assert secret.removeprefix("whsec_") not in stored
    assert secret not in repr(endpoint)


def test_old_deliveries_and_those_of_the_gone_are_deleted(subscribe: Subscribe, settings: Any) -> None:
    kept, _secret = subscribe(EVENT)
    gone, _secret = subscribe(EVENT)
    written(kept, 3)
    written(gone, 2)
    gone.delete()
    old = WebhookDelivery.objects.filter(endpoint=kept).first()
    assert old
    WebhookDelivery.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=31))
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "OUTGOING_RETENTION_DAYS": 0}
    assert retention.purge() == 2
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "OUTGOING_RETENTION_DAYS": 30}
    assert retention.purge() == 1
    assert WebhookDelivery.objects.count() == 2
