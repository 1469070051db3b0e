"""A person decides about a report that the app could not place: whose it is, what it means,
or that it is nobody's.
"""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.deciding import apply
from django_messagecentral.callbacks.finding import candidates
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.db import Conflict, in_transaction, locked
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import Write, write

OPEN = (Callback.State.PARKED, Callback.State.UNMATCHED, Callback.State.PENDING)
SHOWN = 20


class NotResolvable(ValueError):
    """The decision cannot be carried out. The text says why."""


def choices(callback: Callback) -> list[Message]:
    """Messages that it may be about, likely ones first: by its id, the unsettled ones near its time, then
    the newest of its phone. At most :data:`SHOWN`.
    """
    found: dict[int, Message] = {}
    own_id = callback.vendor_message_id
    by_id = Message.objects.filter(Q(transaction_id=own_id) | Q(vendor_message_id=own_id)) if own_id else None
    of_phone = Message.objects.filter(phone=callback.phone) if callback.phone else None
    for messages in (by_id, candidates(callback) if callback.phone else None, of_phone):
        if messages is not None:
            found.update({message.pk: message for message in messages.order_by("-pk")[:SHOWN]})
    return list(found.values())[:SHOWN]


@in_transaction(Callback)
def assign(callback_id: int, message_id: int, status: Status | None = None) -> Callback:
    """Apply the report to a message that a person chose; ``status`` is what an unknown word means.

    The table of transitions holds for people too: a message that was not on its way stays as it is. Raises
    :class:`NotResolvable`.
    """
    callback = _open(callback_id)
    row = locked(Message.objects.filter(pk=message_id)).first()
    if row is None:
        raise NotResolvable(_("There is no such message."))
    writes: dict[int, Write] = {}
    apply(callback, row, writes, RateCard.of_day(), status)
    if callback.state == Callback.State.PARKED:
        raise NotResolvable(callback.get_reason_display())
    _close(callback)
    if writes:
        write([row], writes, Cause.CALLBACK)
    processing.reopen([row.phone])
    return callback


@in_transaction(Callback)
def dismiss(callback_id: int) -> Callback:
    """It is about no message of this site. Raises :class:`NotResolvable`."""
    callback = _open(callback_id)
    callback.state = Callback.State.DISMISSED
    _close(callback)
    return callback


def look_again(callback_id: int) -> None:
    """Its message is looked for once more, by a task. Raises :class:`NotResolvable`."""
    if not reopen(Callback.objects.filter(pk=callback_id)):
        raise NotResolvable(_("Somebody else has decided about it already."))


def reopen(callbacks: QuerySet[Callback]) -> int:
    """Look again for the messages of those of ``callbacks`` that are open; how many."""
    count = Callback.objects.filter(pk__in=callbacks.values("pk"), state__in=OPEN).update(
        state=Callback.State.PENDING, tries=0, next_try_at=timezone.now(), reason="", error=""
    )
    processing.call_worker()
    return count


def _open(callback_id: int) -> Callback:
    callback: Callback | None = locked(Callback.objects.filter(pk=callback_id)).first()
    if callback is None or callback.state not in OPEN:
        raise NotResolvable(_("Somebody else has decided about it already."))
    return callback


def _close(callback: Callback) -> None:
    closed = Callback.objects.filter(pk=callback.pk, state__in=OPEN).update(
        state=callback.state, reason=callback.reason, message=callback.message_id, error=""
    )
    if not closed:  # without row locks another person was quicker
        raise Conflict("the report was decided about meanwhile")
