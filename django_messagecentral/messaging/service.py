"""Sending one message: ``send_message("+91 98765 43210", "Your parcel is on its way.")``."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.utils import timezone

from django_messagecentral.backends import get_backend
from django_messagecentral.conf import app_settings
from django_messagecentral.db import database_for
from django_messagecentral.exceptions import InvalidArgument
from django_messagecentral.fields import unusable_fields
from django_messagecentral.messaging import budgets, pace, unsubscribe
from django_messagecentral.messaging.claims import claim
from django_messagecentral.messaging.delivery import SUPPRESSED, Parcel, carry, has_left, pack, too_long
from django_messagecentral.messaging.models import Channel, Message, MessageType
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.quiet_hours import may_leave_now
from django_messagecentral.messaging.results import NOT_STARTED, Result, record
from django_messagecentral.messaging.routing import choosing, following
from django_messagecentral.messaging.routing.policies import Asked
from django_messagecentral.messaging.segments import count_segments
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.suppression import suppressed_phones
from django_messagecentral.phones import parse_phone


def send_message(
    to: object,
    text: str,
    *,
    channel: str = "",
    message_type: str = "",
    sender_id: str = "",
    template_id: str = "",
    entity_id: str = "",
    region: str = "",
    purpose: str = "",
    routing: str = "",
    idempotency_key: str = "",
) -> Message:
    """Store one message and send it in a task after the current transaction commits.

    ``to`` is a phone in any spelling (``region`` or ``DEFAULT_REGION`` for numbers without a country
    code). Empty options take the site's settings. With an ``idempotency_key`` (at most 100 characters)
    a second call with the same key answers the first call's message and sends nothing. ``purpose`` (at most
    40 characters) is the site's own word, by which costs are reported. ``routing`` names a policy
    (``fixed``, ``fallback``, ``cheapest``) in place of the site's; a ``channel`` is where it begins.

    Raises :class:`~django_messagecentral.phones.InvalidPhone` and
    :class:`~django_messagecentral.exceptions.InvalidArgument`, both ``ValueError``, before
    anything is stored.
    """
    if not isinstance(text, str):
        raise InvalidArgument(f"The text is {type(text).__name__}, and must be a str.")
    phone = parse_phone(to, region=region or app_settings.DEFAULT_REGION)
    message_type = message_type or app_settings.MESSAGE_TYPE
    channel = choosing.begin(Asked(phone.e164, phone.region, message_type, channel), routing)
    own_template = bool(template_id or entity_id)
    message = Message(
        phone=phone.e164,
        region=phone.region,
        text=text,
        channel=channel,
        message_type=message_type,
        sender_id=sender_id or app_settings.SENDER_ID,
        template_id=template_id if own_template else app_settings.TEMPLATE_ID,
        entity_id=entity_id if own_template else app_settings.ENTITY_ID,
        purpose=purpose,
        status=Status.QUEUED,
        segments=count_segments(unsubscribe.with_placeholder(text)),
        idempotency_key=idempotency_key or None,
    )
    _check(message)
    return _store(message, routing)


def _check(message: Message) -> None:
    if not message.text.strip():
        raise InvalidArgument("The text is empty: give the message something to say.")
    if unsubscribe.is_used_in(message.text) and not unsubscribe.is_usable():
        raise InvalidArgument("The text has ##unsubscribe##, and UNSUBSCRIBE_URL is not set.")
    if problem := too_long(unsubscribe.with_placeholder(message.text)):
        raise InvalidArgument(f"The message cannot be sent: {problem}.")
    if message.channel not in Channel.values:
        raise InvalidArgument(f"Unknown channel {message.channel!r}: use one of {', '.join(Channel.values)}.")
    if message.message_type not in MessageType.values:
        raise InvalidArgument(
            f"Unknown message type {message.message_type!r}: use one of {', '.join(MessageType.values)}."
        )
    if bool(message.template_id) != bool(message.entity_id):
        raise InvalidArgument("template_id and entity_id go together: give both or neither.")
    allowed = app_settings.ALLOWED_COUNTRIES
    if allowed and message.region not in allowed:
        raise InvalidArgument(f"Messages to {message.region} are not allowed: see ALLOWED_COUNTRIES.")
    if len(message.purpose) > 40:
        raise InvalidArgument("The purpose is longer than 40 characters.")
    if message.idempotency_key and len(message.idempotency_key) > 100:
        raise InvalidArgument("The idempotency key is longer than 100 characters.")
    if problems := unusable_fields(message):
        raise InvalidArgument(" ".join(problems))


def _store(message: Message, routing: str) -> Message:
    from django_messagecentral.messaging.tasks import deliver_message

    using = database_for(Message)
    try:
        with transaction.atomic(using=using):
            message.save(force_insert=True)
            choosing.remember(message, routing)
            transaction.on_commit(partial(deliver_message.delay, message.pk), using=using, robust=True)
    except IntegrityError:
        first = Message.objects.filter(idempotency_key=message.idempotency_key).first()
        if message.idempotency_key is None or first is None:
            raise
        return first
    return message


def deliver(message_id: int) -> bool:
    """Send one queued message now, if nobody else has; whether the wire was touched.

    Called by the task. A call that comes twice finds the row claimed and does nothing; a message that
    never left goes back to the queue, and the sweep starts it again at its time.
    """
    if not app_settings.SENDING_ENABLED:
        return False
    backend = get_backend()  # before the claim: a wrong setting must not make the row doubtful
    claimed = claim(Message.objects.filter(pk=message_id), 1)
    if not claimed.rows:
        return False
    message = claimed.rows[0]
    try:
        parcel = _parcel_or_reason(message)
    except Exception:  # nothing has left: it goes back to the queue, and not to a person
        record(claimed.id, {message.pk: NOT_STARTED})
        raise
    if isinstance(parcel, Result):
        record(claimed.id, {message.pk: parcel})
        return False
    result = parcel.results(carry(backend, claimed, parcel))[message.pk]
    record(claimed.id, {message.pk: result})
    if result.call is not None and result.call.slow_down:
        pace.slow_down([result.call.retry_after])
    return has_left(result)


def _parcel_or_reason(message: Message) -> Parcel | Result:
    """What goes out, or why it does not go now."""
    blocked = pace.debit(pace.account_key(), app_settings.PACE_PER_SECOND)
    if blocked:
        return Result(status=Status.QUEUED, not_before=timezone.now() + timedelta(seconds=blocked))
    if suppressed_phones([message.phone], channel=message.channel, message_type=message.message_type):
        return SUPPRESSED
    if held := following.held_back(message):
        return held
    if budget := budgets.spent_budget(message.campaign_id, message.message_type):
        return Result(status=Status.QUEUED, not_before=budgets.look_again_at(budget))
    if wait := may_leave_now(message.phone, message.message_type):
        return Result(status=Status.QUEUED, not_before=timezone.now() + timedelta(seconds=wait))
    return pack(message, message.text, RateCard.of_day())
