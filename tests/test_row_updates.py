"""One UPDATE for many rows, in each database's way and in the portable one."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from django_messagecentral import row_updates
from django_messagecentral.callbacks import processing
from django_messagecentral.callbacks.models import Callback
from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.states import Status
from django_messagecentral.row_updates import update_each
from tests.callbacks.test_reconciliation import NOW, message, report

pytestmark = [pytest.mark.django_db, pytest.mark.db]


@pytest.fixture(params=["its own way", "the portable way"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "the portable way":
        monkeypatch.setattr(row_updates, "_has_arrays", lambda model: False)


def phone(number: int) -> str:
    return f"+9198765{number:05}"


def statuses(*rows: Message) -> dict[int, str]:
    return {row.pk: row.status for row in rows}


def test_each_row_gets_its_own_values_and_others_are_left() -> None:
    rows = [message(phone=phone(n), transaction_id=f"t-{n}") for n in range(450)]  # several CASE statements
    other = message(phone=phone(999), transaction_id="other")
    values: dict[int, dict[str, Any]] = {
        row.pk: {
            "status": "delivered" if n % 3 else "expired",
            "done_at": NOW + timedelta(seconds=n),
            "cost": None if n % 2 else Decimal(n) / 8,
            "error": "the same",
        }
        for n, row in enumerate(rows)
    }
    values[rows[0].pk] = {"error_code": "it's 100%"}  # other fields than the rest
    assert update_each(Message, values, where="status", equals=statuses(*rows)) == 450
    for n, row in enumerate(rows):
        row.refresh_from_db()
        if n == 0:
            assert (row.status, row.error_code, row.done_at) == (Status.SUBMITTED, "it's 100%", None)
            continue
        assert row.status == (Status.DELIVERED if n % 3 else Status.EXPIRED)
        assert row.done_at == NOW + timedelta(seconds=n)
        assert row.cost == (None if n % 2 else Decimal(n) / 8)
        assert row.error == "the same"
    other.refresh_from_db()
    assert other.status == Status.SUBMITTED


def test_a_row_that_somebody_changed_meanwhile_is_not_written_and_not_counted() -> None:
    rows = [message(phone=phone(n), transaction_id=f"t-{n}") for n in range(3)]
    read = statuses(*rows)
    Message.objects.filter(pk=rows[1].pk).update(status=Status.DELIVERED)
    values = {row.pk: {"status": "expired", "transaction_id": f"new-{row.pk}"} for row in rows}
    assert update_each(Message, values, where="status", equals=read) == 2
    rows[1].refresh_from_db()
    assert (rows[1].status, rows[1].transaction_id) == (Status.DELIVERED, "t-1")


@pytest.mark.server_database  # SQLite bounds no text
def test_a_text_that_is_too_long_is_refused_and_never_cut() -> None:
    rows = [message(phone=phone(n), transaction_id=f"t-{n}") for n in range(2)]
    values = {row.pk: {"error_code": f"{row.pk}" + "x" * 40} for row in rows}
    with pytest.raises(DataError):
        update_each(Message, values, where="status", equals=statuses(*rows))


def test_a_batch_of_reports_costs_as_many_statements_as_a_tenth_of_it() -> None:
    costs = []
    for count in (18, 180):
        Callback.objects.all().delete()
        Message.objects.all().delete()
        for n in range(count):
            own = ("own", "bulk", "hidden")[n % 3]
            message(phone=phone(n), transaction_id=own if own == "bulk" else f"{own}-{n}")
        receive(
            [
                report(
                    ("DELIVRD", "UNDELIV")[n % 2],
                    message_id={0: f"own-{n}", 1: "bulk", 2: f"strange-{n}"}[n % 3],
                    phone=phone(n),
                    done=n,
                )
                for n in range(count)
            ]
        )
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert processing.process_batch() == count
        # Who subscribes is asked once in a while, and not for every batch.
        costs.append(sum("webhookendpoint" not in query["sql"] for query in queries))
        assert not Message.objects.filter(status=Status.SUBMITTED).exists()
    assert costs[0] == costs[1]
    assert costs[0] < 30
