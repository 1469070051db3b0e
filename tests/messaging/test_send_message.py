"""One message through ``send_message``: stored first, sent once, and its fate on the row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from django_messagecentral import send_message, signals
from django_messagecentral.campaigns.sweep import send_orphans
from django_messagecentral.exceptions import InvalidArgument
from django_messagecentral.messaging.models import Message, Rate, Suppression
from django_messagecentral.messaging.service import deliver
from django_messagecentral.messaging.states import Status
from django_messagecentral.phones import InvalidPhone
from django_messagecentral.sandbox import SandboxServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]

PHONE = "+919876543210"


def test_a_message_goes_out_and_its_row_tells_all(on_sandbox: SandboxServer) -> None:
    Rate.objects.create(country="IN", price="0.25")
    message = send_message("98765 43210", "Your parcel ₹1,499 is on its way.")
    message.refresh_from_db()
    assert (message.status, message.phone, message.segments, str(message.cost)) == (
        Status.SUBMITTED,
        PHONE,
        1,
        "0.250000",
    )
    (text,) = on_sandbox.messages("919876543210")
    assert (text["text"], text["sender"]) == ("Your parcel ₹1,499 is on its way.", "UTOMOB")
    assert message.transaction_id
    assert message.attempts.get().outcome == "accepted"


def test_nothing_leaves_before_the_commit_or_after_a_rollback(on_sandbox: SandboxServer) -> None:
    def order_that_fails() -> None:
        with transaction.atomic():
            send_message(PHONE, "You have won")
            assert not on_sandbox.messages()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        order_that_fails()
    assert not on_sandbox.messages()
    assert not Message.objects.exists()


def test_the_same_idempotency_key_sends_once(on_sandbox: SandboxServer) -> None:
    first = send_message(PHONE, "Order 7 is packed", idempotency_key="order-7-packed")
    second = send_message(PHONE, "Order 7 is packed", idempotency_key="order-7-packed")
    assert first.pk == second.pk
    assert len(on_sandbox.messages()) == 1


def test_a_task_delivered_twice_sends_once(on_sandbox: SandboxServer) -> None:
    message = send_message(PHONE, "Hello")
    assert deliver(message.pk) is False
    assert len(on_sandbox.messages()) == 1


def test_a_refusal_is_on_the_row_with_its_code(on_sandbox: SandboxServer) -> None:
    message = send_message("+917999000511", "Hello")
    message.refresh_from_db()
    assert (message.status, message.error_code) == (Status.FAILED, "511")
    assert message.error


def test_a_lost_answer_is_unconfirmed_and_not_sent_again(on_sandbox: SandboxServer) -> None:
    message = send_message("+917999000603", "Hello")
    message.refresh_from_db()
    assert message.status == Status.UNCONFIRMED
    Message.objects.update(updated_at=timezone.now() - timedelta(days=1))
    send_orphans()
    assert len(on_sandbox.messages()) == 1


def test_the_sweep_sends_what_the_broker_lost(on_sandbox: SandboxServer, settings: Any) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "SENDING_ENABLED": False}
    send_message(PHONE, "Hello")
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "SENDING_ENABLED": True}
    send_orphans()
    assert not on_sandbox.messages()  # its own task may still be on its way
    Message.objects.update(updated_at=timezone.now() - timedelta(minutes=5))
    send_orphans()
    assert len(on_sandbox.messages()) == 1


def test_who_opted_out_is_not_written_to(on_sandbox: SandboxServer) -> None:
    Suppression.objects.create(phone=PHONE, message_type="PROMOTIONAL")
    promotion = send_message(PHONE, "Sale!", message_type="PROMOTIONAL")
    notice = send_message(PHONE, "Your order is packed")
    promotion.refresh_from_db()
    notice.refresh_from_db()
    assert (promotion.status, notice.status) == (Status.SUPPRESSED, Status.SUBMITTED)
    assert [text["text"] for text in on_sandbox.messages()] == ["Your order is packed"]


def test_each_change_is_announced_once_and_a_receiver_that_raises_harms_nothing(
    on_sandbox: SandboxServer,
) -> None:
    seen: list[tuple[str, str]] = []

    def listen(change: Any, **_: Any) -> None:
        seen.append((change.old, change.new))

    def fail(**_: Any) -> None:
        raise ValueError("a defect of the site")

    signals.message_status_changed.connect(fail)
    signals.message_status_changed.connect(listen)
    try:
        message = send_message(PHONE, "Hello")
    finally:
        signals.message_status_changed.disconnect(fail)
        signals.message_status_changed.disconnect(listen)
    assert seen == [("queued", "sending"), ("sending", "submitted")]
    message.refresh_from_db()
    assert message.status == Status.SUBMITTED


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"text": "  "}, "empty"),
        ({"text": "x" * 1601}, "1601 characters, 1600 are allowed"),
        ({"text": "Hi", "channel": "PIGEON"}, "SMS, WHATSAPP"),
        ({"text": "Hi", "message_type": "SPAM"}, "PROMOTIONAL"),
        ({"text": "Hi", "template_id": "1"}, "both or neither"),
        ({"text": "Hi", "idempotency_key": "k" * 101}, "longer than 100"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_is_stored(
    arguments: dict[str, str], says: str
) -> None:
    with pytest.raises(InvalidArgument, match=says):
        send_message(PHONE, **arguments)
    assert not Message.objects.exists()


def test_a_number_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidPhone):
        send_message("12345", "Hi")


def test_a_single_message_waits_as_long_as_the_vendor_asked(on_sandbox: SandboxServer) -> None:
    on_sandbox.configure(errors={"http429": 1.0})
    first = send_message(PHONE, "One")
    on_sandbox.configure(errors={})
    second = send_message(PHONE, "Two")
    assert not on_sandbox.messages()
    for message in (first, second):
        message.refresh_from_db()
        assert message.status == Status.QUEUED
        assert message.not_before is not None
    assert second.attempts.count() == 0  # the wire was not touched
    assert second.attempt_count == 0


@pytest.mark.parametrize(
    "given",
    [
        {"sender_id": "S" * 21},
        {"template_id": "t" * 41, "entity_id": "e"},
        {"text": "Hello\0"},
        {"text": "Half a pair: \ud83d"},
        {"text": None},
        {"text": b"bytes"},
        {"purpose": "a\0b"},
        {"idempotency_key": "\udc00"},
    ],
)
def test_what_no_database_would_store_is_refused_with_a_sentence(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"\."):
        send_message(PHONE, **{"text": "Hello", **given})
    assert not Message.objects.exists()


def test_a_fault_before_the_call_puts_the_message_back(
    on_sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django_messagecentral.messaging import service

    def broken(*_: object) -> None:
        raise RuntimeError("the price list is broken")

    message = Message.objects.create(phone=PHONE, region="IN", text="Hello", status=Status.QUEUED)
    with monkeypatch.context() as patched:
        patched.setattr(service, "pack", broken)
        with pytest.raises(RuntimeError):
            deliver(message.pk)
    message.refresh_from_db()
    assert (message.status, message.claim, message.attempt_count) == (Status.QUEUED, None, 0)
    assert deliver(message.pk)
    assert len(on_sandbox.messages()) == 1
