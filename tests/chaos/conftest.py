"""Databases that a test may take away: a server of its own, or another copy of the data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from tests import workers
from tests.own_broker import BROKER, OwnBroker
from tests.own_servers import OwnServer, restore


@contextmanager
def database_moved(**settings: Any) -> Iterator[None]:
    """This process, its threads, and the processes it starts use the database at another place."""
    kept = connections.settings["default"]  # one dictionary for the connections of all threads
    before = {name: kept[name] for name in settings}
    connections.close_all()
    kept.update(settings)
    try:
        yield
    finally:
        connections.close_all()
        kept.update(before)


@contextmanager
def database_restored(snapshot: bytes) -> Iterator[None]:
    """As :func:`database_moved`, into a new database with what ``snapshot`` holds."""
    settings = dict(connections.settings["default"])
    name = f"{settings['NAME']}_restored"
    quoted = connections["default"].ops.quote_name(name)

    def on_server(statement: str, options: str = "") -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute(f"{statement} {quoted} {options}")

    on_server("CREATE DATABASE")
    try:
        restore(snapshot, {**settings, "NAME": name})
        with database_moved(NAME=name):
            yield
    finally:
        on_server("DROP DATABASE", "WITH (FORCE)" if connections["default"].vendor == "postgresql" else "")


@pytest.fixture
def own_server(transactional_db: None) -> Iterator[OwnServer]:
    """A running, migrated database server that this test may stop, start and kill."""
    server = OwnServer()
    try:
        server.start()
        server.execute("CREATE DATABASE messagecentral")
        with database_moved(PORT=server.port, NAME="messagecentral"):
            call_command("migrate", verbosity=0, skip_checks=True)
            yield server
    finally:
        server.remove()


@pytest.fixture
def own_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnBroker]:
    """A running message broker that this test may kill and start. To be asked for before ``house``."""
    broker = OwnBroker()
    try:
        broker.start()
        monkeypatch.setitem(workers.URLS, BROKER, broker.url)
        yield broker
    finally:
        broker.remove()
