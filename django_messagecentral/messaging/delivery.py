"""Parcels: what one call to the vendor carries, for one recipient or for many.

The campaign dispatcher and the task of a single message share this, so that no door is weaker than another.
A parcel holds all that a thread needs and nothing of the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from django_messagecentral.backends import BaseBackend, OutgoingMessage
from django_messagecentral.client import SendResult, only_while
from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import Outcome
from django_messagecentral.messaging import unsubscribe
from django_messagecentral.messaging.claims import Claim
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.results import NOT_STARTED, Result
from django_messagecentral.messaging.segments import count_segments
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.wire import CallResult, call

SUPPRESSED = Result(status=Status.SUPPRESSED, error="the phone has opted out")


@dataclass(frozen=True, slots=True)
class Item:
    """One recipient of a parcel. ``values`` are the cells of the vendor's file mode, otherwise empty."""

    message_id: int
    phone: str
    segments: int
    cost: Decimal | None
    values: tuple[str, ...] = ()


class Carrier(Protocol):
    """How a parcel goes over the wire."""

    def __call__(self, backend: BaseBackend, parcel: Parcel) -> SendResult: ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """One call: ``outgoing`` says what and how, ``items`` to whom."""

    items: tuple[Item, ...]
    outgoing: OutgoingMessage
    carrier: Carrier

    def halves(self) -> list[Parcel]:
        """Two parcels with half of the recipients each; none where there is only one."""
        if len(self.items) < 2:
            return []
        middle = len(self.items) // 2
        return [replace(self, items=self.items[:middle]), replace(self, items=self.items[middle:])]

    def results(self, answer: CallResult | None) -> dict[int, Result]:
        """What the call's answer means for each recipient; None is a call that was not begun."""
        if answer is None:
            return dict.fromkeys((item.message_id for item in self.items), NOT_STARTED)
        return {
            item.message_id: Result(call=answer, segments=item.segments, cost=item.cost)
            for item in self.items
        }


def one(backend: BaseBackend, parcel: Parcel) -> SendResult:
    """One message to one phone."""
    return backend.send_message(parcel.outgoing)


def numbers(backend: BaseBackend, parcel: Parcel) -> SendResult:
    """One text to many phones (vendor document, phoneNumbers)."""
    return backend.send_bulk([item.phone for item in parcel.items], parcel.outgoing)


def item_of(message: Message, text: str, rates: RateCard, values: Sequence[str] = ()) -> Item:
    """``message`` as a recipient of ``text``."""
    segments = count_segments(text)
    cost = rates.cost(
        segments, channel=message.channel, message_type=message.message_type, country=message.region
    )
    return Item(message.pk, message.phone, segments, cost, tuple(values))


def outgoing_of(message: Message, text: str) -> OutgoingMessage:
    """How ``message`` goes out, saying ``text``."""
    return OutgoingMessage(
        phone=message.phone,
        text=text,
        channel=message.channel,
        message_type=message.message_type,
        sender_id=message.sender_id,
        template_id=message.template_id,
        entity_id=message.entity_id,
    )


def pack(message: Message, text: str, rates: RateCard) -> Parcel:
    """A parcel for ``message`` alone, with its own opt-out link where ``text`` has one."""
    text = unsubscribe.fill(text, message.public_id)
    return Parcel((item_of(message, text, rates),), outgoing_of(message, text), one)


def too_long(text: str) -> str:
    """Why ``text`` cannot be sent, or an empty string."""
    limit = app_settings.MAX_TEXT_LENGTH
    return f"the text has {len(text)} characters, {limit} are allowed" if len(text) > limit else ""


def carry(backend: BaseBackend, claim: Claim, parcel: Parcel) -> CallResult | None:
    """Send one parcel, unless the lease has run out (None). Runs in a thread; never raises.

    The lease is looked at again before each first byte: a worker may be stopped while it fetches a token.
    """
    if not claim.may_start():
        return None
    with only_while(claim.may_start):
        return call(lambda: parcel.carrier(backend, parcel))


def has_left(result: Result) -> bool:
    """Whether the wire was touched so that a send may have happened."""
    return result.call is not None and result.call.outcome in (Outcome.ACCEPTED, Outcome.MAY_HAVE_LEFT)
