"""Sends claimed messages: what each of them says, what it costs, and the call that carries it.

The campaign dispatcher and the task of a single message share this, so that no door is weaker than another.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django_messagecentral.backends import BaseBackend, OutgoingMessage
from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import Outcome
from django_messagecentral.messaging import unsubscribe
from django_messagecentral.messaging.claims import Claim
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.results import NOT_STARTED, Result
from django_messagecentral.messaging.segments import count_segments
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.wire import CallResult, send_one


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message made ready for the wire: what a thread needs, and nothing of the database."""

    message_id: int
    outgoing: OutgoingMessage
    segments: int
    cost: Decimal | None

    def result(self, call: CallResult) -> Result:
        return Result(call=call, segments=self.segments, cost=self.cost)


def pack(message: Message, text: str, rates: RateCard) -> Parcel:
    """A parcel for ``message`` saying ``text``, with its own unsubscribe link where the text has one."""
    text = unsubscribe.fill(text, message.public_id)
    segments = count_segments(text)
    return Parcel(
        message_id=message.pk,
        outgoing=OutgoingMessage(
            phone=message.phone,
            text=text,
            channel=message.channel,
            message_type=message.message_type,
            sender_id=message.sender_id,
            template_id=message.template_id,
            entity_id=message.entity_id,
        ),
        segments=segments,
        cost=rates.cost(
            segments, channel=message.channel, message_type=message.message_type, country=message.region
        ),
    )


def too_long(text: str) -> str:
    """Why ``text`` cannot be sent, or an empty string."""
    limit = app_settings.MAX_TEXT_LENGTH
    return f"the text has {len(text)} characters, {limit} are allowed" if len(text) > limit else ""


SUPPRESSED = Result(status=Status.SUPPRESSED, error="the phone has opted out")


def carry(backend: BaseBackend, claim: Claim, parcel: Parcel) -> Result:
    """Send one parcel, unless the lease has run out. Runs in a thread; never raises."""
    if not claim.may_start():
        return NOT_STARTED
    return parcel.result(send_one(backend, parcel.outgoing))


def has_left(result: Result) -> bool:
    """Whether the wire was touched so that a send may have happened."""
    return result.call is not None and result.call.outcome in (Outcome.ACCEPTED, Outcome.MAY_HAVE_LEFT)
