"""Model fields that behave alike on every database."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper


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
