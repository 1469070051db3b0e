"""Stores what arrived, once, and calls a worker. Nothing is judged here."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from django_messagecentral import signals
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.raw import storable
from django_messagecentral.callbacks.report import parse_report
from django_messagecentral.db import database_for


def receive(payload: Any, *, remote_ip: str | None = None) -> int:
    """Store each item of ``payload`` (any JSON value; a list is many items); how many were new.

    The same report again is no new row: its identity is (messageId, mobile, status, errorCode, doneDate).
    """
    items = payload if isinstance(payload, list) else [payload]
    rows: dict[str, Callback] = {}
    for item in map(storable, items):
        report = parse_report(item)
        rows[report.fingerprint] = Callback(
            fingerprint=report.fingerprint,
            payload=item,
            vendor_message_id=report.message_id,
            phone=report.phone,
            vendor_status=report.vendor_status,
            error_code=report.error_code,
            submit_at=report.submit_at,
            done_at=report.done_at,
            remote_ip=remote_ip,
            state=Callback.State.PENDING if report.is_readable else Callback.State.UNREADABLE,
        )
    return _store_one(*rows.values()) if len(rows) == 1 else _store_many(rows)


def _store_one(row: Callback) -> int:
    """One INSERT and nothing else: the unique fingerprint tells whether it is new."""
    using = database_for(Callback)
    try:
        with transaction.atomic(using=using):
            row.save(force_insert=True)
            _call_after_commit([row], using)
    except IntegrityError:
        if not Callback.objects.filter(fingerprint=row.fingerprint).exists():
            raise
        return 0
    return 1


def _store_many(rows: dict[str, Callback]) -> int:
    using = database_for(Callback)
    with transaction.atomic(using=using):
        known = set(Callback.objects.filter(fingerprint__in=list(rows)).values_list("fingerprint", flat=True))
        new = [row for fingerprint, row in rows.items() if fingerprint not in known]
        Callback.objects.bulk_create(new, ignore_conflicts=True)
        ids = dict(Callback.objects.filter(fingerprint__in=list(rows)).values_list("fingerprint", "pk"))
        for row in new:
            row.pk = ids.get(row.fingerprint)
        new = [row for row in new if row.pk]
        if new:
            _call_after_commit(new, using)
    return len(new)


def _call_after_commit(rows: list[Callback], using: str) -> None:
    transaction.on_commit(partial(_announce, rows), using=using, robust=True)
    if any(row.state == Callback.State.PENDING for row in rows):
        transaction.on_commit(processing.call_worker, using=using, robust=True)


def _announce(rows: list[Callback]) -> None:
    for row in rows:
        signals.send(signals.callback_received, Callback, callback=row, event=row.event)
