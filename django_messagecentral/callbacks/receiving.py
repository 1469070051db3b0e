"""Stores what arrived, once, and calls a worker. Nothing is judged here."""

from __future__ import annotations

import hashlib
import json
import logging
from contextlib import nullcontext
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from django_messagecentral import signals, tracing
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.faults import is_of_a_row, told
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.raw import storable
from django_messagecentral.callbacks.report import parse_report
from django_messagecentral.db import database_for, in_transaction

logger = logging.getLogger("django_messagecentral.callbacks")


@tracing.traced("messagecentral.webhook.receive")
def receive(payload: Any, *, remote_ip: str | None = None) -> int:
    """Store each item of ``payload`` (any JSON value; a list is many items); how many were new.

    The same report again is no new row: its identity is (messageId, mobile, status, errorCode, doneDate).
    """
    items = payload if isinstance(payload, list) else [payload]
    new = _store(items, remote_ip)
    tracing.note(reports=len(items), new=new)
    return new


def _store(items: list[Any], remote_ip: str | None) -> int:
    rows = [_row(item, remote_ip) for item in items]
    once = {row.fingerprint: row for row in rows}
    if len(once) == 1:
        return _store_alone(rows[-1])
    try:
        return _store_many(once)
    except Exception as error:
        if not is_of_a_row(error):
            raise
        logger.warning("a list of %d reports was refused: each is stored by itself", len(once))
    return sum(map(_store_alone, once.values()))


def _row(item: Any, remote_ip: str | None) -> Callback:
    try:
        payload = storable(item)
        report = parse_report(payload)
    except Exception as error:  # noqa: BLE001 - whatever it trips over: the vendor sends a report once
        return _unstorable(item, remote_ip, error)
    return Callback(
        fingerprint=report.fingerprint,
        payload=payload,
        vendor_message_id=report.message_id,
        phone=report.phone,
        vendor_status=report.vendor_status,
        error_code=report.error_code,
        submit_at=report.submit_at,
        done_at=report.done_at,
        remote_ip=remote_ip,
        state=Callback.State.PENDING if report.is_readable else Callback.State.UNREADABLE,
    )


def _unstorable(item: Any, remote_ip: str | None, error: Exception) -> Callback:
    """The report as one plain text, for a person."""
    text = json.dumps(item)
    logger.error("a report waits for a person: %s", told(error))
    return Callback(
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        payload=text,
        remote_ip=remote_ip,
        state=Callback.State.PARKED,
        reason=Callback.Reason.FAILED,
        error=told(error),
    )


def _store_alone(row: Callback) -> int:
    try:
        return _store_one(row)
    except Exception as error:
        if not is_of_a_row(error):
            raise
        return _store_one(_unstorable(row.payload, row.remote_ip, error))


def _store_one(row: Callback) -> int:
    """One INSERT and nothing else: the unique fingerprint tells whether it is new."""
    using = database_for(Callback)
    # By itself a statement is a transaction; inside the site's (ATOMIC_REQUESTS) a savepoint guards that.
    alone = transaction.get_connection(using).get_autocommit()
    try:
        with nullcontext() if alone else transaction.atomic(using=using):
            row.save(force_insert=True)
    except IntegrityError:
        if not Callback.objects.filter(fingerprint=row.fingerprint).exists():
            raise
        return 0
    _call_after_commit([row], using)
    return 1


@in_transaction(Callback)
def _store_many(rows: dict[str, Callback]) -> int:
    """One INSERT, all or nothing. One that ignores conflicts ignores more than those on two databases."""
    known = set(Callback.objects.filter(fingerprint__in=list(rows)).values_list("fingerprint", flat=True))
    new = [row for fingerprint, row in rows.items() if fingerprint not in known]
    Callback.objects.bulk_create(new)
    if new:
        _call_after_commit(new, database_for(Callback))
    return len(new)


def _call_after_commit(rows: list[Callback], using: str) -> None:
    transaction.on_commit(partial(_announce, rows), using=using, robust=True)
    if any(row.state == Callback.State.PENDING for row in rows):
        transaction.on_commit(processing.call_worker, using=using, robust=True)


def _announce(rows: list[Callback]) -> None:
    for row in rows:
        signals.send(signals.callback_received, Callback, callback=row, event=row.event)
