"""Short transactions that are really committed before the wire is touched."""

from __future__ import annotations

import functools
import logging
import random
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from django.db import OperationalError, transaction

from django_messagecentral.db import Conflict, database_for, is_conflict
from django_messagecentral.verification.models import Verification

logger = logging.getLogger("django_messagecentral.verification")

P = ParamSpec("P")
T = TypeVar("T")

MAX_TRIES = 60  # fifty visitors at once on one row is what the tests do


class InsideTransaction(RuntimeError):
    """The service was called inside a transaction of the caller's.

    A rollback there would forget a spent attempt or a sent code, and the vendor would be called while
    locks are held. Call it outside ``atomic()``; mark views ``@transaction.non_atomic_requests`` when the
    site has ``ATOMIC_REQUESTS``.
    """


class NonAtomicRequests:
    """First among the bases of a class-based view whose work calls the vendor: it stays out of
    ``ATOMIC_REQUESTS`` whatever other mixin has the first word in ``dispatch``."""

    @classmethod
    def as_view(cls, *args: Any, **kwargs: Any) -> Any:
        return transaction.non_atomic_requests(super().as_view(*args, **kwargs))  # type: ignore[misc]


def committed(function: Callable[P, T]) -> Callable[P, T]:
    """Run in a transaction that is committed on return; again after a deadlock or a lost write."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        using = database_for(Verification)
        for attempt in range(1, MAX_TRIES + 1):
            entered = False
            try:
                with transaction.atomic(using=using, durable=True):
                    entered = True
                    return function(*args, **kwargs)
            except RuntimeError as error:
                if entered:
                    raise
                raise InsideTransaction(InsideTransaction.__doc__) from error
            except (Conflict, OperationalError) as error:
                if attempt == MAX_TRIES or not is_conflict(error):
                    raise
                logger.debug("conflict in %s, try %d", function.__qualname__, attempt)
            time.sleep(random.uniform(0, 0.01 * min(attempt, 20)))  # noqa: S311
        raise AssertionError("unreachable")

    return run
