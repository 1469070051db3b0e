"""Which message a delivery report is about (an exact id always wins):

1. by ``transaction_id``, or by the reports' own id where an earlier report taught it;
2. within that id by phone, where a bulk call gave many recipients one id;
3. by phone and submit time: exactly one unsettled message of that phone within ten minutes, and none of
   that phone (nor a one-time code to it) still being sent. The strange id is then recorded on the row.

A report whose id belongs to a one-time code of a verification is that code's, before anything is guessed by
phone. A message that another report of the batch names by its id is not guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.db.models import Count, Min, Q, QuerySet

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.db import among, in_statements
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import TAKEN_BACK, UNSETTLED, Status
from django_messagecentral.verification.models import Challenge
from django_messagecentral.verification.states import ChallengeStatus

SUBMIT_WINDOW = timedelta(minutes=10)
GUESSABLE = (*UNSETTLED, *TAKEN_BACK, Status.FAILED)


class Report(Protocol):
    """What is looked at of a stored report."""

    @property
    def pk(self) -> int: ...
    @property
    def vendor_message_id(self) -> str: ...
    @property
    def phone(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Exactly one message, or the one-time code, or neither and, where that is known, why.

    ``is_guess``: found by phone and time, not by its id. ``rivals``: two messages of several that fit.
    """

    message_id: int | None = None
    challenge_id: int | None = None
    reason: Callback.Reason | None = None
    is_guess: bool = False
    rivals: tuple[int, ...] = ()


NOTHING = Finding()
FOREIGN = Finding(reason=Callback.Reason.FOREIGN_PHONE)
SEVERAL = Finding(reason=Callback.Reason.SEVERAL)


def find(reports: Collection[Report]) -> dict[int, Finding]:
    """By the report's primary key. A handful of statements for any number of reports."""
    findings = _by_id_and_phone(reports)
    rest = [report for report in reports if report.pk not in findings]
    if rest:
        findings |= _by_id_alone(rest)
        strange = [report for report in rest if report.pk not in findings]
        certain = {finding.message_id for finding in findings.values()}
        findings |= _by_phone_and_time(strange, certain)
    return findings


def _by_id_and_phone(reports: Iterable[Report]) -> dict[int, Finding]:
    """Where both agree. A bulk call's id has thousands of rows: only those of these phones are read."""
    wanted = [report for report in reports if report.vendor_message_id and report.phone]
    found: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for part in in_statements(Message, wanted):
        ids, phones = {report.vendor_message_id for report in part}, {report.phone for report in part}
        rows = Message.objects.filter(_bears(ids), among(Message, "phone", phones)).order_by()
        for pk, phone, *own in rows.values_list("pk", "phone", "transaction_id", "vendor_message_id"):
            for own_id in {*own} - {""}:
                if pk not in found[(own_id, phone)]:
                    found[(own_id, phone)].append(pk)
    return {
        report.pk: Finding(fitting[0]) if len(fitting) == 1 else SEVERAL
        for report in wanted
        if (fitting := found.get((report.vendor_message_id, report.phone)))
    }


def _by_id_alone(reports: Iterable[Report]) -> dict[int, Finding]:
    """A report without a phone; a known id with a phone that it does not have; the id of a one-time code."""
    ids = {report.vendor_message_id for report in reports} - {""}
    known = _messages_with(ids)
    codes = _codes_with(ids - set(known))
    findings: dict[int, Finding] = {}
    for report in reports:
        own_id = report.vendor_message_id
        if own_id in known:
            first, is_alone = known[own_id]
            of_nobody = Finding(first) if is_alone else SEVERAL
            findings[report.pk] = FOREIGN if report.phone else of_nobody
        elif own_id in codes:
            findings[report.pk] = Finding(challenge_id=codes[own_id])
    return findings


def _bears(ids: Iterable[str]) -> Q:
    taught = Q(among(Message, "vendor_message_id", ids)) & ~Q(vendor_message_id="")
    return Q(among(Message, "transaction_id", ids)) & ~Q(transaction_id="") | taught


def _messages_with(wanted: Collection[str]) -> dict[str, tuple[int, bool]]:
    """By id: one message that bears it, and whether it is the only one."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    several: set[str] = set()
    for ids in in_statements(Message, wanted):
        for name in ("transaction_id", "vendor_message_id"):
            rows = Message.objects.filter(among(Message, name, ids)).exclude(**{name: ""}).order_by()
            for own_id, one, count in rows.values_list(name).annotate(one=Min("pk"), n=Count("pk")):
                found[own_id].add(one)
                several |= {own_id} if count > 1 else set()
    return {own_id: (min(ones), len(ones) == 1 and own_id not in several) for own_id, ones in found.items()}


def _codes_with(wanted: Collection[str]) -> dict[str, int]:
    """One-time codes by the id that a report would have: the send's transaction id, or the vendor's own."""
    found: dict[str, int] = {}
    for ids in in_statements(Challenge, wanted):
        own = Q(among(Challenge, "transaction_id", ids)) | Q(among(Challenge, "vendor_id", ids))
        for pk, *names in (
            Challenge.objects.filter(own).order_by().values_list("pk", "transaction_id", "vendor_id")
        ):
            found |= dict.fromkeys({*names} - {""}, pk)
    return found


# -- guessing -----------------------------------------------------------------------------------------


def _by_phone_and_time(reports: Iterable[Report], certain: Collection[int | None]) -> dict[int, Finding]:
    """For reports whose id nobody knows. ``certain``: messages that other reports of the batch name by id."""
    moments = _moments([report.pk for report in reports if report.phone])
    phones = {report.phone for report in reports if report.pk in moments}
    phones -= _being_sent_to(phones)
    near = _near(phones, moments.values())
    taught: dict[int, str] = {}  # message -> the strange id that this very batch gives it
    findings: dict[int, Finding] = {}
    for report in reports:
        moment = moments.get(report.pk)
        fitting = [
            pk
            for pk, submitted_at in near.get(report.phone, ())
            if moment and pk not in certain and abs(submitted_at - moment) <= SUBMIT_WINDOW
        ]
        finding = NOTHING
        if len(fitting) > 1:
            finding = Finding(reason=Callback.Reason.SEVERAL, rivals=tuple(fitting[:2]))
        elif fitting and taught.setdefault(fitting[0], report.vendor_message_id) == report.vendor_message_id:
            finding = Finding(fitting[0], is_guess=True)
        findings[report.pk] = finding
    return findings


def _moments(report_ids: Collection[int]) -> dict[int, datetime]:
    """When the message was submitted, as far as each report tells."""
    found: dict[int, datetime] = {}
    for ids in in_statements(Callback, report_ids):
        rows = Callback.objects.filter(among(Callback, "id", ids)).order_by()
        for pk, submit_at, received_at in rows.values_list("pk", "submit_at", "received_at"):
            found[pk] = submit_at or received_at
    return found


def _being_sent_to(phones: Collection[str]) -> set[str]:
    found: set[str] = set()
    for part in in_statements(Message, phones):
        messages = Message.objects.filter(among(Message, "phone", part), status=Status.SENDING).order_by()
        found.update(messages.values_list("phone", flat=True))
        codes = Challenge.objects.filter(
            among(Challenge, "phone", part), status=ChallengeStatus.SENDING
        ).order_by()
        found.update(codes.values_list("phone", flat=True))
    return found


def _near(phones: Collection[str], moments: Iterable[datetime]) -> dict[str, list[tuple[int, datetime]]]:
    """By phone: its messages that may be guessed, with their submit times, the oldest first.

    Their status is looked at here: in the statement it would offer PostgreSQL an index that is no use, and
    statistics that lag behind a campaign make it look like the best.
    """
    found: defaultdict[str, list[tuple[int, datetime]]] = defaultdict(list)
    if not phones:
        return found
    first, *_, last = sorted([*moments] * 2)
    for part in in_statements(Message, phones):
        rows = _untaught(first, last).filter(among(Message, "phone", part)).order_by()
        for phone, pk, status, submitted_at in sorted(
            rows.values_list("phone", "pk", "status", "submitted_at")
        ):
            if status in GUESSABLE and submitted_at:
                found[phone].append((pk, submitted_at))
    return found


def candidates(callback: Callback) -> QuerySet[Message]:
    """Messages of this phone around the submit time that no strange id has been given yet: unsettled ones,
    and those that may have left before a person queued them again or gave them up.

    Only a message that may have left has a submit time.
    """
    moment = callback.submit_at or callback.received_at
    return _untaught(moment, moment).filter(phone=callback.phone, status__in=GUESSABLE)


def _untaught(first: datetime, last: datetime) -> QuerySet[Message]:
    return Message.objects.filter(
        vendor_message_id="",
        submitted_at__range=(first - SUBMIT_WINDOW, last + SUBMIT_WINDOW),
    )
