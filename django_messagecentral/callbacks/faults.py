"""When one report makes storing or processing fail: whose fault it is, and how it is told."""

from __future__ import annotations

import re

from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError

from django_messagecentral.db import Conflict

_NUMBER = re.compile(r"\d{7,}")


def is_of_a_row(error: Exception) -> bool:
    """Whether one report may have caused it; not so where the database or the worker is in trouble."""
    if isinstance(error, (DataError, IntegrityError)):
        return True
    return not isinstance(error, (DatabaseError, InterfaceError, Conflict, SoftTimeLimitExceeded))


def told(error: Exception) -> str:
    """Its kind and the first line of its text (databases put the row into the next), numbers masked."""
    first_line = next(iter(str(error).splitlines()), "")
    return _NUMBER.sub("•••", f"{type(error).__name__}: {first_line}")[:300]
