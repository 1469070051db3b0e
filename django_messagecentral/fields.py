"""Model fields that behave alike on every database, and what no database would store."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _


class ExactCharField(models.CharField):
    """Text that is compared byte by byte: ids, tokens, hashes.

    MariaDB's default collations ignore case and trailing spaces, which would let two different
    ids meet in one UNIQUE index. SQLite and PostgreSQL compare exactly by themselves.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters = dict(super().db_parameters(connection))
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters


def unusable_fields(row: models.Model) -> list[str]:
    """What the database would refuse of an instance or cut short, a sentence a field: values too long, of the
    wrong kind or not among the choices, and characters that no database stores.
    """
    problems = []
    for field in row._meta.fields:
        if field.primary_key or field.is_relation:
            continue
        label, value = str(field.verbose_name), field.value_from_object(row)
        if isinstance(value, str) and not storable(value):
            problems.append(
                _("%(field)s: it contains a character that is no text (NUL or half a pair).")
                % {"field": label}
            )
            continue
        try:
            field.clean(value, row)
        except ValidationError as error:
            problems += [f"{label}: {message}" for message in error.messages]
    return problems


def storable(text: str) -> bool:
    """Whether every database can store ``text``: no NUL, no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
