"""The database's clock, and connections that break."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from django_messagecentral.conf import load_settings
from django_messagecentral.db import database_now, in_transaction
from django_messagecentral.messaging.models import Pace

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]


def test_the_databases_now_is_now_on_a_server_of_another_zone() -> None:
    connection.close()
    options = connection.settings_dict["OPTIONS"]
    before = options.get("init_command")
    if connection.vendor == "mysql":
        options["init_command"] = "SET time_zone = '+05:30'"
    try:
        Pace.objects.create(key="k", next_free=timezone.now())
        assert abs(database_now(Pace) - timezone.now()) < timedelta(seconds=5)
    finally:
        if connection.vendor == "mysql":
            options.pop("init_command") if before is None else options.update(init_command=before)
            connection.close()


def test_a_server_that_goes_away_as_a_transaction_begins_leaves_a_usable_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    count = in_transaction(Pace)(Pace.objects.count)

    def gone() -> None:
        raise OperationalError("Lost connection to server during query")

    connection.ensure_connection()
    connection.autocommit = False  # as a connection is left that broke while it was made
    with monkeypatch.context() as patch:
        patch.setattr(connection, "savepoint", gone)
        with pytest.raises(OperationalError):
            count()
    connection.close()  # what Celery does after each task
    assert Pace.objects.count() == 0
    assert count() == 0
    assert not connection.in_atomic_block


def test_one_token_given_as_a_text_is_one_token(settings: object) -> None:
    settings.MESSAGECENTRAL = {"WEBHOOK_TOKENS": "a-long-token", "PASSWORD": "secret"}  # type: ignore[attr-defined]
    assert load_settings().WEBHOOK_TOKENS == ("a-long-token",)
    assert "secret" not in repr(load_settings())
    assert "a-long-token" not in repr(load_settings())
