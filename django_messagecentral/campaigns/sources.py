"""Recipients that come from the site's own code, or from a person's keyboard, as a list that the import reads
like any other: in tasks, in chunks, and again from its checkpoint when a worker dies.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import IO, Any, cast

from django.db.models import QuerySet
from django.db.models.query import ValuesIterable, ValuesListIterable
from django.utils.translation import gettext as _

from django_messagecentral.campaigns.sheet.cells import cell_text
from django_messagecentral.conf import app_settings

MOBILE, COUNTRY = "Mobile", "Country"
FETCH_ROWS = 2_000  # rows of a queryset held at once
_TYPED_SEPARATORS = re.compile(r"[\n\r,;\t|]+")

Columns = Sequence[str] | Mapping[str, str]


class UnusableList(ValueError):
    """The recipients have no shape that could be understood. The text says what to give instead."""


def typed_numbers(text: str) -> list[str]:
    """The numbers of a text: one a line, or separated by commas or semicolons; spaces belong to a number."""
    return [number for part in _TYPED_SEPARATORS.split(text) if (number := part.strip())]


def as_table(
    recipients: Iterable[Any], columns: Columns | None = None
) -> tuple[list[str], Iterator[Sequence[Any]]]:
    """The header and the rows of ``recipients``:

    * phones (text, number or ``PhoneNumber``): one column, Mobile;
    * mappings: the keys of the first, or of ``columns``, are the header;
    * sequences: ``columns`` names their items, or they are Mobile, var1, var2, ...;
    * a queryset of model instances: ``columns`` says which fields are which columns, as in
      ``{"Mobile": "phone", "name": "first_name"}``; it is read as ``values_list`` in pieces.

    Raises :class:`UnusableList`.
    """
    if isinstance(recipients, QuerySet):
        return _of_queryset(recipients, columns)
    items = iter(recipients)
    first = next(items, None)
    if first is None:
        raise UnusableList(_("There are no recipients: the list is empty."))
    return _of_items(first, chain([first], items), columns)


def _of_queryset(
    queryset: QuerySet[Any], columns: Columns | None
) -> tuple[list[str], Iterator[Sequence[Any]]]:
    kind = queryset._iterable_class
    if columns is not None and kind not in (ValuesIterable, ValuesListIterable):
        names = columns if isinstance(columns, Mapping) else {name: name for name in columns}
        values = queryset.values_list(*names.values()).iterator(chunk_size=FETCH_ROWS)
        return list(names), cast("Iterator[Sequence[Any]]", values)
    items = queryset.iterator(chunk_size=FETCH_ROWS)
    first = next(items, None)
    if first is None:
        raise UnusableList(_("There are no recipients: the list is empty."))
    if isinstance(first, queryset.model):
        raise UnusableList(
            _(
                "Say which fields the recipients come from, as in "
                "columns={'Mobile': 'phone', 'name': 'first_name'}."
            )
        )
    return _of_items(first, chain([first], items), columns)


def _of_items(
    first: Any, items: Iterator[Any], columns: Columns | None
) -> tuple[list[str], Iterator[Sequence[Any]]]:
    if isinstance(first, Mapping):
        keys = columns if isinstance(columns, Mapping) else {str(key): key for key in columns or first}
        wanted = list(keys.values())
        return list(keys), ([item.get(key) for key in wanted] for item in items)
    if isinstance(first, (tuple, list)):
        names = list(columns) if columns else [MOBILE, *(f"var{n}" for n in range(1, len(first)))]
        return names, items
    return [next(iter(columns), MOBILE) if columns else MOBILE], ([item] for item in items)


def as_file(
    header: Sequence[str], rows: Iterable[Sequence[Any]], *, country: Any = ""
) -> tuple[IO[bytes], int]:
    """The list as a .csv in a temporary file, to be closed by the caller, and its rows' number. ``country``
    fills a column of that name in every row.
    """
    stream = tempfile.TemporaryFile(prefix="messagecentral-")  # noqa: SIM115 - the caller's
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
    text.write("sep=,\r\n")  # so that nothing has to be guessed when it is read
    writer = csv.writer(text)
    fixed = [_text(country)] if country else []
    writer.writerow([*([COUNTRY] if fixed else []), *header])
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        writer.writerow([*fixed, *map(_text, row)])
    text.flush()
    text.detach()
    stream.seek(0)
    return stream, count


def _text(value: Any) -> str:
    e164 = getattr(value, "as_e164", None)  # django-phonenumber-field's PhoneNumber
    shown = e164 if isinstance(e164, str) else cell_text(value, locale=app_settings.UPLOAD_LOCALE)
    return shown.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
