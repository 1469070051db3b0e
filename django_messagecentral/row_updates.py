"""One UPDATE that gives many rows values of their own, and tells how many rows it met; one INSERT of many.

PostgreSQL joins the table with arrays (``UPDATE ... FROM UNNEST``): one statement for a batch of any size,
and one parameter a column. Elsewhere the same is said with ``CASE id WHEN ... THEN ... END``, a few hundred
rows a statement. Django's own ``bulk_update`` resolves an expression a row: ten times slower than either.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections, models
from django.db.models.expressions import RawSQL

from django_messagecentral.db import batched, database_for

STATEMENT_ROWS = 200  # rows whose own values travel in one CASE

Values = Mapping[str, Any]  # by field name, a foreign key by its column (``message_id``)


def update_each(
    model: type[models.Model], rows: Mapping[int, Values], *, where: str, equals: Mapping[int, Any]
) -> int:
    """Set ``rows[pk]`` on each row whose field ``where`` still is ``equals[pk]``; how many rows were written.

    A result smaller than ``len(rows)`` means that somebody else has changed a row since it was read.
    """
    alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for pk, values in rows.items():
        alike[tuple(values)].append(pk)
    statement = _from_arrays if _has_arrays(model) else _by_case
    return sum(statement(model, pks, names, rows, where, equals) for names, pks in alike.items())


def insert_all(model: type[models.Model], rows: Sequence[Values]) -> None:
    """Insert ``rows``, which all name the same columns; a column that has one value is sent once.

    No ids come back and no signals are sent, as with ``bulk_create`` of many rows.
    """
    if not rows:
        return
    if not _has_arrays(model):
        model._default_manager.bulk_create((model(**row) for row in rows), batch_size=500)
        return
    connection = connections[database_for(model)]
    quote = connection.ops.quote_name
    columns, shown = list[str](), list[str]()
    arrays, constants = list[tuple[str, list[Any]]](), list[Any]()
    for name in rows[0]:
        field: Any = model._meta.get_field(name)
        kind = field.db_type(connection).partition("(")[0]
        values = [row[name] for row in rows]
        columns.append(quote(field.column))
        if arrays and all(value == values[0] for value in values):  # the first column says how many rows
            constants.append(field.get_db_prep_save(values[0], connection))
            shown.append(f"%s::{kind}")
        else:
            shown.append(f"v.v{len(arrays)}")
            arrays.append((f"%s::{kind}[]", [field.get_db_prep_save(value, connection) for value in values]))
    names = ", ".join(f"v{n}" for n in range(len(arrays)))
    joined = f"UNNEST({', '.join(cast for cast, _values in arrays)}) AS v({names})"
    table = quote(model._meta.db_table)
    sql = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(shown)} FROM {joined}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*constants, *(values for _cast, values in arrays)])


def _has_arrays(model: type[models.Model]) -> bool:
    return connections[database_for(model)].vendor == "postgresql"


# -- PostgreSQL ---------------------------------------------------------------------------------------


def _from_arrays(
    model: type[models.Model],
    pks: list[int],
    names: tuple[str, ...],
    rows: Mapping[int, Values],
    where: str,
    equals: Mapping[int, Any],
) -> int:
    connection = connections[database_for(model)]
    quote = connection.ops.quote_name
    arrays: list[str] = []  # a column of the join: v0, v1 ...
    in_arrays: list[list[Any]] = []
    constants: list[Any] = []

    def assignment(name: str, values: list[Any]) -> str:
        field: Any = model._meta.get_field(name)
        # Without its length: a cast to varchar(20) cuts a longer text silently, the column refuses it.
        kind = field.db_type(connection).partition("(")[0]
        first = values[0]
        if name != key and all(value == first for value in values):
            constants.append(field.get_db_prep_save(first, connection))
            return f"{quote(field.column)} = %s::{kind}"
        in_arrays.append([field.get_db_prep_save(value, connection) for value in values])
        arrays.append(f"%s::{kind}[]")
        return f"{quote(field.column)} = v.v{len(arrays) - 1}"

    key = "id"
    sets = ", ".join(assignment(name, [rows[pk][name] for pk in pks]) for name in names)
    in_set, constants = constants, []
    met = " AND ".join(
        f"t.{condition}"
        for condition in (assignment(key, pks), assignment(where, [equals[pk] for pk in pks]))
    )
    joined = f"UNNEST({', '.join(arrays)}) AS v({', '.join(f'v{n}' for n in range(len(arrays)))})"
    sql = f"UPDATE {quote(model._meta.db_table)} AS t SET {sets} FROM {joined} WHERE {met}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*in_set, *in_arrays, *constants])
        return int(cursor.rowcount)


# -- everywhere else ----------------------------------------------------------------------------------


def _by_case(
    model: type[models.Model],
    pks: list[int],
    names: tuple[str, ...],
    rows: Mapping[int, Values],
    where: str,
    equals: Mapping[int, Any],
) -> int:
    """Rows that have the same words (fields with choices) share a statement: a CASE is for what differs."""
    words = [name for name in names if model._meta.get_field(name).choices]  # type: ignore[union-attr]
    groups: defaultdict[tuple[Any, ...], list[int]] = defaultdict(list)
    for pk in pks:
        groups[(equals[pk], *(rows[pk][word] for word in words))].append(pk)
    written = 0
    for (expected, *_), group in groups.items():
        for batch in batched(group, STATEMENT_ROWS):
            values = {name: _value(model, name, {pk: rows[pk][name] for pk in batch}) for name in names}
            found = model._default_manager.filter(pk__in=batch, **{where: expected})
            written += found.update(**values)
    return written


def _value(model: type[models.Model], name: str, by_row: Mapping[int, Any]) -> Any:
    first = next(iter(by_row.values()))
    if all(value == first for value in by_row.values()):
        return first
    connection = connections[database_for(model)]
    field: Any = model._meta.get_field(name)
    parameters: list[Any] = []
    for pk, value in by_row.items():
        parameters += [pk, field.get_db_prep_save(value, connection)]
    key = connection.ops.quote_name("id")
    return RawSQL(f"CASE {key} {'WHEN %s THEN %s ' * len(by_row)}END", parameters, output_field=field)  # noqa: S611
