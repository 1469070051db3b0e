"""What the app relies on in the rest of the site's settings: caches, storages, databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_messagecentral.backends import load_backend_class
from django_messagecentral.backends.console import ConsoleBackend
from django_messagecentral.backends.locmem import LocmemBackend
from django_messagecentral.checks.base import Check, error, setting, warning
from django_messagecentral.conf import Settings

_SHORTEST_SQLITE_TIMEOUT: Final = 20  # seconds
# classes by which one process cannot count what another does, or not exactly
_CANNOT_COUNT: Final = (
    "django.core.cache.backends.locmem.LocMemCache",
    "django.core.cache.backends.dummy.DummyCache",
    "django.core.cache.backends.filebased.FileBasedCache",
    "django.core.cache.backends.db.DatabaseCache",
)


def check_aliases(settings: Settings) -> Iterator[CheckMessage]:
    for number, name, wanted, known in (
        (22, "CACHE", settings.CACHE, django_settings.CACHES),
        (23, "UPLOAD_STORAGE", settings.UPLOAD_STORAGE, django_settings.STORAGES),
    ):
        if wanted not in known:
            yield error(
                number,
                f"{setting(name)} names {wanted!r}, which is not in {name.removeprefix('UPLOAD_')}S.",
                f"Write one of {', '.join(sorted(known))}.",
            )


def check_cache(settings: Settings) -> Iterator[CheckMessage]:
    path = django_settings.CACHES.get(settings.CACHE, {}).get("BACKEND", "")
    try:
        found: Any = import_string(path)
    except ImportError:
        return  # Django itself tells at the cache's first use
    if isinstance(found, type) and issubclass(found, tuple(map(import_string, _CANNOT_COUNT))):
        yield warning(
            2,
            f"The cache {settings.CACHE!r} ({found.__name__}) cannot count across processes: limits by "
            "address, session and user hold for each process alone, and each fetches its own tokens.",
            f"Use Redis or Memcached, and name it in {setting('CACHE')} if it is not the default cache.",
        )


def check_sqlite(settings: Settings) -> Iterator[CheckMessage]:
    databases: dict[str, dict[str, Any]] = django_settings.DATABASES
    for alias, database in databases.items():
        if database.get("ENGINE") != "django.db.backends.sqlite3":
            continue
        options = database.get("OPTIONS") or {}
        immediate = str(options.get("transaction_mode") or "").upper() in ("IMMEDIATE", "EXCLUSIVE")
        if not immediate or _number(options.get("timeout", 5)) < _SHORTEST_SQLITE_TIMEOUT:
            yield warning(
                4,
                f"The SQLite database {alias!r} is not set for several writers at once: "
                'under load it answers "database is locked".',
                f'Add to its OPTIONS: "transaction_mode": "IMMEDIATE", '
                f'"timeout": {_SHORTEST_SQLITE_TIMEOUT}, '
                '"init_command": "PRAGMA journal_mode=WAL;".',
            )


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def check_local_backend(settings: Settings) -> Iterator[CheckMessage]:
    try:
        found = load_backend_class(settings.BACKEND)
    except ImproperlyConfigured:
        return  # check_backends tells
    if issubclass(found, (ConsoleBackend, LocmemBackend)):
        yield warning(
            6,
            f"{setting('BACKEND')} is {found.__name__}: nothing is sent, and codes are readable here.",
            f'Set "{Settings().BACKEND}" in production.',
        )


CHECKS: Final[tuple[Check, ...]] = (check_aliases, check_cache, check_sqlite)
DEPLOY_CHECKS: Final[tuple[Check, ...]] = (check_local_backend,)
