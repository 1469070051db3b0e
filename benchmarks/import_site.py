"""A Django site for the import benchmark, on a database of its own that is made and dropped."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DATABASES = ("postgres", "mariadb", "sqlite")


def database_settings(database: str, name: str) -> dict[str, Any]:
    """Django's settings of ``database``; on SQLite ``name`` is a file."""
    if database == "postgres":
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": os.environ.get("MESSAGECENTRAL_TEST_POSTGRES_USER", "postgres"),
            "HOST": "127.0.0.1",
        }
    if database == "mariadb":
        return {
            "ENGINE": "django.db.backends.mysql",
            "NAME": name,
            "USER": "root",
            "HOST": "127.0.0.1",
            "OPTIONS": {"charset": "utf8mb4"},
        }
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }


def setup(database: str, name: str, media: str) -> None:
    """Configure Django for this process."""
    import django
    from django.conf import settings

    settings.configure(
        SECRET_KEY="benchmarks-only-key-that-is-long-enough-for-all",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_messagecentral"],
        DATABASES={"default": database_settings(database, name)},
        MEDIA_ROOT=media,
        MESSAGECENTRAL={
            "CUSTOMER_ID": "C-SANDBOX0000001",
            "PASSWORD": "sandbox",
            "SENDER_ID": "UTOMOB",
            "ALLOWED_COUNTRIES": ["IN"],
        },
        SILENCED_SYSTEM_CHECKS=["messagecentral.W001", "messagecentral.W002"],
    )
    django.setup()


@contextlib.contextmanager
def own_database(database: str, name: str) -> Iterator[str]:
    """A new, empty database; its name, or its file on SQLite."""
    if database == "sqlite":
        with tempfile.TemporaryDirectory(prefix="messagecentral-bench-") as folder:
            yield str(Path(folder) / f"{name}.sqlite3")
        return
    _administer(database, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name}")
    try:
        yield name
    finally:
        _administer(database, f"DROP DATABASE IF EXISTS {name}")


def _administer(database: str, *statements: str) -> None:
    if database == "postgres":
        import psycopg

        user = os.environ.get("MESSAGECENTRAL_TEST_POSTGRES_USER", "postgres")
        with psycopg.connect(host="127.0.0.1", user=user, dbname="postgres", autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
    else:
        import MySQLdb

        link = MySQLdb.connect(host="127.0.0.1", user="root", charset="utf8mb4")
        for statement in statements:
            suffix = " CHARACTER SET utf8mb4" if statement.startswith("CREATE") else ""
            link.cursor().execute(statement + suffix)
        link.close()
