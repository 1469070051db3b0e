"""The states of a message and the one table of allowed changes between them.

Every change of ``Message.status`` is checked against :data:`TRANSITIONS`; the functions that write
one are in :mod:`django_messagecentral.messaging.transitions`.
"""

from __future__ import annotations

import enum
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _


class Status(models.TextChoices):
    """Where a message is."""

    DRAFT = "draft", _("draft")
    QUEUED = "queued", _("queued")
    SENDING = "sending", _("sending")
    SUBMITTED = "submitted", _("submitted")
    DELIVERED = "delivered", _("delivered")
    UNDELIVERED = "undelivered", _("undelivered")
    EXPIRED = "expired", _("expired")
    REJECTED = "rejected", _("rejected by the carrier")
    UNKNOWN = "unknown", _("unknown to the carrier")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")
    SUPPRESSED = "suppressed", _("suppressed (opted out)")
    UNCONFIRMED = "unconfirmed", _("unconfirmed")


class Cause(enum.Enum):
    """Who asks for a change. The same change may be open to one and closed to another."""

    PLAN = "plan"  # launch, cancel, suppression: rows that no worker holds
    OWNER = "owner"  # the worker that holds the claim
    SWEEP = "sweep"  # the periodic clean-up, after a lease ran out
    CALLBACK = "callback"  # a delivery report
    OPERATOR = "operator"  # a person's decision on an unsettled row


DELIVERY = (Status.DELIVERED, Status.UNDELIVERED, Status.EXPIRED, Status.REJECTED, Status.UNKNOWN)
WAITING = (Status.DRAFT, Status.QUEUED, Status.SENDING)
UNSETTLED = (Status.SUBMITTED, Status.UNCONFIRMED)

_REPORTED_FROM = (Status.SENDING, Status.SUBMITTED, Status.UNCONFIRMED, Status.FAILED)

# Where a message may be whose first attempt may have left and that a person has put back into the queue.
TAKEN_BACK = (Status.QUEUED, Status.CANCELLED, Status.SUPPRESSED)

TRANSITIONS: dict[tuple[Status, Status], frozenset[Cause]] = {
    (Status.DRAFT, Status.QUEUED): frozenset({Cause.PLAN}),
    (Status.DRAFT, Status.CANCELLED): frozenset({Cause.PLAN}),
    (Status.DRAFT, Status.SUPPRESSED): frozenset({Cause.PLAN}),
    (Status.SUPPRESSED, Status.DRAFT): frozenset({Cause.PLAN}),
    (Status.QUEUED, Status.SENDING): frozenset({Cause.OWNER}),
    (Status.QUEUED, Status.CANCELLED): frozenset({Cause.PLAN}),
    (Status.QUEUED, Status.SUPPRESSED): frozenset({Cause.PLAN, Cause.OWNER}),
    (Status.SENDING, Status.QUEUED): frozenset({Cause.OWNER}),  # it surely never left
    (Status.SENDING, Status.SUBMITTED): frozenset({Cause.OWNER}),
    (Status.SENDING, Status.FAILED): frozenset({Cause.OWNER}),
    (Status.SENDING, Status.SUPPRESSED): frozenset({Cause.OWNER}),
    (Status.SENDING, Status.CANCELLED): frozenset({Cause.OWNER}),
    (Status.SENDING, Status.UNCONFIRMED): frozenset({Cause.OWNER, Cause.SWEEP}),
    (Status.UNCONFIRMED, Status.SUBMITTED): frozenset({Cause.OWNER}),  # a late answer
    (Status.UNCONFIRMED, Status.FAILED): frozenset({Cause.OWNER, Cause.OPERATOR}),
    (Status.UNCONFIRMED, Status.QUEUED): frozenset({Cause.OPERATOR}),
    (Status.FAILED, Status.QUEUED): frozenset({Cause.OPERATOR}),
    **{(old, new): frozenset({Cause.CALLBACK}) for old in _REPORTED_FROM for new in DELIVERY},
    # The first attempt has arrived after all: there is no second. That it has not changes nothing.
    **{(old, Status.DELIVERED): frozenset({Cause.CALLBACK}) for old in TAKEN_BACK},
    # Between delivery states :func:`outranks` decides; nothing ever leaves DELIVERED.
    **{
        (old, new): frozenset({Cause.CALLBACK})
        for old in DELIVERY
        for new in DELIVERY
        if old != Status.DELIVERED and old != new
    },
}


class IllegalTransition(ValueError):
    """A change that the table does not allow: a defect in the caller, never written."""


def is_allowed(old: str, new: str, cause: Cause) -> bool:
    """Whether ``cause`` may move a message from ``old`` to ``new``."""
    return cause in TRANSITIONS.get((Status(old), Status(new)), frozenset())


def require(old: str, new: str, cause: Cause) -> None:
    """Raise :class:`IllegalTransition` unless :func:`is_allowed`."""
    if not is_allowed(old, new, cause):
        raise IllegalTransition(f"{old} -> {new} by {cause.value} is not in the table")


_REPORT_RANK = {
    Status.UNKNOWN: 0,
    Status.EXPIRED: 1,
    Status.UNDELIVERED: 2,
    Status.REJECTED: 3,
    Status.DELIVERED: 4,
}


def outranks(new: str, new_done: datetime | None, old: str, old_done: datetime | None) -> bool:
    """Whether a report (``new``, done at ``new_done``) replaces the reported state ``old``.

    DELIVERED always wins and is never undone; among the others the later done-time wins, and at
    equal times a fixed rank. So any order of arrival of the same reports ends in the same state.
    """

    def key(status: str, done: datetime | None) -> tuple[bool, float, int]:
        known = Status(status)
        return known == Status.DELIVERED, done.timestamp() if done else 0.0, _REPORT_RANK[known]

    return key(new, new_done) > key(old, old_done)
