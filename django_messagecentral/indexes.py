"""An index of the rows that are looked for, without those that are not."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement


class SparseIndex(models.Index):
    """Holds the rows that match ``only`` where the database can (PostgreSQL, SQLite), all rows on MariaDB.

    A queue of a thousand in a table of millions, or an id that most rows do not have yet: each row outside is
    an entry less to write at every change. A query is served by it when its own conditions imply ``only``.
    Django's ``Index(condition=...)`` says the same and warns at every migration on MariaDB.
    """

    def __init__(self, *expressions: Any, only: models.Q, **options: Any) -> None:
        super().__init__(*expressions, **options)
        self.only = only

    def deconstruct(self) -> Any:
        path, expressions, options = super().deconstruct()
        return path, expressions, {**options, "only": self.only}

    def create_sql(
        self,
        model: type[models.Model],
        schema_editor: BaseDatabaseSchemaEditor,
        using: str = "",
        **kwargs: Any,
    ) -> Statement:
        if not schema_editor.connection.features.supports_partial_indexes:
            return super().create_sql(model, schema_editor, using, **kwargs)
        sparse = models.Index(fields=self.fields, name=self.name, condition=self.only)
        return sparse.create_sql(model, schema_editor, using, **kwargs)
