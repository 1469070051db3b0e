"""What the databases have in common and where they differ: retries, locks, and the database's clock."""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.db import OperationalError, connections, models, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func, Q, Value
from django.db.models.functions import Now
from django.utils import timezone

logger = logging.getLogger("django_messagecentral.db")

P = ParamSpec("P")
T = TypeVar("T")

MAX_TRIES = 8

# MariaDB: lock wait timeout, deadlock, record changed since last read. PostgreSQL: serialisation
# failure, deadlock. SQLite names no codes; its one recoverable error is "database is locked".
_MYSQL_CODES = {1020, 1205, 1213}
_POSTGRES_STATES = {"40001", "40P01"}


class Conflict(Exception):
    """A conditional write met another state than the one read in its transaction: try again."""


def is_conflict(error: BaseException) -> bool:
    """Whether the whole transaction may simply be run again."""
    if isinstance(error, Conflict):
        return True
    if not isinstance(error, OperationalError):
        return False
    cause = error.__cause__ or error
    if (
        getattr(cause, "sqlstate", None) in _POSTGRES_STATES
        or getattr(cause, "pgcode", None) in _POSTGRES_STATES
    ):
        return True
    code = cause.args[0] if cause.args else None
    return code in _MYSQL_CODES or "database is locked" in str(cause) or "table is locked" in str(cause)


def database_for(model: type[models.Model]) -> str:
    """The alias the site's routers write ``model`` to."""
    return router.db_for_write(model)


def in_transaction(model: type[models.Model]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Run the function in a transaction on ``model``'s database, again when it lost a conflict.

    Inside a transaction of the caller's own a conflict cannot be mended here (the database has undone
    the whole of it), so it goes up to the caller.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> T:
            using = database_for(model)
            connection = transaction.get_connection(using)
            nested = connection.in_atomic_block
            for attempt in range(1, MAX_TRIES + 1):
                try:
                    with transaction.atomic(using=using):
                        return function(*args, **kwargs)
                except (Conflict, OperationalError) as error:
                    if attempt == MAX_TRIES or (nested and not isinstance(error, Conflict)):
                        raise
                    if not is_conflict(error):
                        raise
                    logger.info("conflict in %s, try %d: %s", function.__qualname__, attempt, error)
                finally:
                    leave_half_entered(connection)
                time.sleep(random.uniform(0, 0.02 * 2**attempt))  # noqa: S311
            raise AssertionError("unreachable")

        return run

    return decorate


def leave_half_entered(connection: BaseDatabaseWrapper) -> None:
    """Let go of a connection that broke on its way into a transaction.

    Where the server goes away just then, Django has noted the transaction and not the block that would end
    it: closed or not, the connection would refuse every query of this process from then on.
    """
    if connection.in_atomic_block and not connection.atomic_blocks:
        connection.in_atomic_block = connection.needs_rollback = connection.closed_in_transaction = False
        connection.savepoint_ids = []
        connection.close()


def locked(queryset: Any, *, skip_locked: bool = False) -> Any:
    """``queryset`` with its rows locked until the commit, where the database has row locks.

    SQLite has none: there a writing transaction is alone from its start (``transaction_mode``
    IMMEDIATE) or fails as a whole. With ``skip_locked`` rows that others hold are passed over.
    """
    features = connections[queryset.db].features
    if not features.has_select_for_update:
        return queryset
    return queryset.select_for_update(skip_locked=skip_locked and features.has_select_for_update_skip_locked)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """``items`` in lists of at most ``size``: statements have a bound on their parameters."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def keep_utc(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """MariaDB's clock in UTC, as Django stores times there; PostgreSQL's Django sets itself.

    Without it ``Now()`` answers in the server's own zone, and leases and waits are hours off.
    """
    if connection.vendor == "mysql" and settings.USE_TZ and not connection.settings_dict.get("TIME_ZONE"):
        with connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00'")


def database_now(model: type[models.Model]) -> datetime:
    """The database's own clock, so that machines with different clocks agree. Aware, UTC."""
    row: datetime | None = (
        model._default_manager.using(database_for(model))
        .annotate(_now=Now())
        .values_list("_now", flat=True)
        .first()
    )
    return row or timezone.now()


def among(model: type[models.Model], name: str, values: Iterable[Any]) -> Q:
    """``name IN values``; on PostgreSQL as one array, where a thousand parameters would cost a thousand times
    the work of preparing one.
    """
    wanted = list(values)
    if connections[database_for(model)].vendor != "postgresql":
        return Q(**{f"{name}__in": wanted})
    return Q(
        Func(
            F(name),
            Value(wanted),
            template="%(expressions)s)",
            arg_joiner=" = ANY(",
            output_field=BooleanField(),
        )
    )


def in_statements(model: type[models.Model], items: Iterable[T]) -> Iterator[list[T]]:
    """``items`` in lists that :func:`among` can take in one statement."""
    postgres = connections[database_for(model)].vendor == "postgresql"
    return batched(items, 10_000 if postgres else 500)


def read_by_index(model: type[models.Model]) -> None:
    """Until the end of this transaction PostgreSQL takes an index, and its order, wherever there is one.

    For transactions that look up a batch by keys in tables that grow by the second: by statistics that are a
    minute old a queue is empty and a table is small, and reading and sorting all of it looks cheap.
    """
    connection = connections[database_for(model)]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true)"
            )
