"""The database's clock is Django's clock, whatever zone the server lives in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from django_messagecentral.conf import load_settings
from django_messagecentral.db import database_now
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


def test_one_token_given_as_a_text_is_one_token(settings: object) -> None:
    settings.MESSAGECENTRAL = {"WEBHOOK_TOKENS": "a-long-token", "PASSWORD": "secret"}  # type: ignore[attr-defined]
    assert load_settings().WEBHOOK_TOKENS == ("a-long-token",)
    assert "secret" not in repr(load_settings())
    assert "a-long-token" not in repr(load_settings())
