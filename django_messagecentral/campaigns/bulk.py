"""Writes a chunk's messages the quickest way the database has: COPY and one INSERT ... SELECT on
PostgreSQL, plain rows in large statements elsewhere. Both do the same and say what they found.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connections
from django.db.models import Field

from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.campaigns.sheet.recipients import Recipient
from django_messagecentral.db import Conflict, batched, database_for
from django_messagecentral.messaging.models import Message, Suppression
from django_messagecentral.messaging.states import Status
from django_messagecentral.messaging.suppression import suppressed_phones

INSERT_ROWS = 1_000
COPY_ROWS = 5_000  # lines handed to COPY at once
_STAGE = "mc_import_stage"
_ARRAY = "unnest(string_to_array(%s, ',')::varchar[])"
# What differs from one message of an upload to the next; every other column is the same in all of them.
_OWN = ("public_id", "row_number", "phone", "region", "variables", "segments", "status")


@dataclass(slots=True)
class Written:
    """Of the given recipients, by row number: whose phone the campaign has already, with the row it came
    from (None if it came from no sheet), and who has opted out. All others are drafts now.
    """

    known: dict[int, int | None] = field(default_factory=dict)
    suppressed: set[int] = field(default_factory=set)


Writer = Callable[[Campaign, CampaignUpload, Sequence[Recipient]], Written]


def writer(campaign: Campaign, upload: CampaignUpload) -> Writer:
    """The way for the database that messages live in. To be called, and used, inside a transaction."""
    if not has_copy():
        return write_by_insert
    others = CampaignUpload.objects.filter(campaign=campaign).exclude(pk=upload.pk)
    return write_by_stage if others.exists() else write_by_copy


def has_copy() -> bool:
    """Whether messages live in PostgreSQL and psycopg 3 speaks to it."""
    if connections[database_for(Message)].vendor != "postgresql":
        return False
    from django.db.backends.postgresql.psycopg_any import is_psycopg3

    return bool(is_psycopg3)


def write_by_copy(campaign: Campaign, upload: CampaignUpload, recipients: Sequence[Recipient]) -> Written:
    """PostgreSQL with psycopg 3, a campaign's first upload: COPY straight into the table."""
    written = Written()
    connection = connections[database_for(Message)]
    quote = connection.ops.quote_name
    messages = quote(Message._meta.db_table)
    phones = ",".join([r.phone for r in recipients])  # one parameter: an array costs as much as the COPY
    constants = _constants(campaign, upload)
    with connection.cursor() as cursor:
        cursor.execute(_known(f"{_ARRAY} AS s(phone)", messages), [campaign.pk, phones])
        if known := {phone: row or None for phone, row in cursor.fetchall()}:
            written.known = {r.row_number: known[r.phone] for r in recipients if r.phone in known}
        cursor.execute(
            f"SELECT s.phone FROM {_ARRAY} AS s(phone) WHERE EXISTS "  # noqa: S608
            f"(SELECT 1 FROM {quote(Suppression._meta.db_table)} o WHERE o.phone = s.phone)",
            [phones],
        )
        opted_out = _opted_out(campaign, [phone for (phone,) in cursor.fetchall()])
        new = [r for r in recipients if r.row_number not in written.known]
        written.suppressed = {r.row_number for r in new if r.phone in opted_out} if opted_out else set()
        same = "\t".join(map(_copy_text, constants.values()))
        names = ", ".join(map(quote, [*_OWN, *constants]))
        try:
            with cursor.copy(f"COPY {messages} ({names}) FROM STDIN") as copy:
                for lines in batched(_lines(new, written.suppressed, same), COPY_ROWS):
                    copy.write("".join(lines))
        except IntegrityError as error:
            raise Conflict("somebody else wrote to the same phones meanwhile") from error
    return written


def _lines(recipients: Sequence[Recipient], suppressed: set[int], same: str) -> Iterator[str]:
    """Rows of :data:`_OWN` and the columns in ``same`` in COPY's text format, which reads the backslash
    otherwise than JSON; JSON escapes the rest of what it reads otherwise.
    """
    draft, stopped = Status.DRAFT.value, Status.SUPPRESSED.value
    for r, public_id in zip(recipients, _public_ids(len(recipients)), strict=True):
        variables = r.variables_json.replace("\\", "\\\\")
        status = stopped if r.row_number in suppressed else draft
        yield (
            f"{public_id}\t{r.row_number}\t{r.phone}\t{r.region}\t{variables}\t{r.segments}\t{status}\t{same}\n"
        )


def _public_ids(count: int) -> Iterator[str]:
    """Random UUIDs (version 4) in hexadecimal: as unguessable as uuid4's, for a quarter of the time."""
    digits = os.urandom(16 * count).hex()
    for i in range(0, len(digits), 32):
        yield f"{digits[i : i + 12]}4{digits[i + 13 : i + 16]}8{digits[i + 17 : i + 32]}"


def _copy_text(value: Any) -> str:
    """``value`` as COPY's text format has it."""
    if value is None:
        return "\\N"
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, (str, int, float, Decimal, uuid.UUID)):
        raise TypeError(f"no COPY text for {type(value).__name__}")
    return str(value).translate(_COPY_ESCAPES)


_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _known(rows: str, messages: str) -> str:
    """SQL for (phone, row number in the campaign) of those of ``rows`` whose phone the campaign (its first
    parameter) has. A subquery a row, so that whatever the planner believes of a table without statistics, it
    uses the unique index.
    """
    return (
        "SELECT phone, known FROM (SELECT s.phone, (SELECT coalesce(m.row_number, 0) "  # noqa: S608
        f"FROM {messages} m WHERE m.campaign_id = %s AND m.phone = s.phone) AS known "
        f"FROM {rows} OFFSET 0) AS found WHERE known IS NOT NULL"
    )


def _opted_out(campaign: Campaign, phones: Iterable[str]) -> set[str]:
    """Those of ``phones``, each with an opt-out of some kind, that must not get this campaign."""
    return suppressed_phones(phones, channel=campaign.channel, message_type=campaign.message_type)


def write_by_stage(campaign: Campaign, upload: CampaignUpload, recipients: Sequence[Recipient]) -> Written:
    """PostgreSQL with psycopg 3: COPY to a temporary table, the rest is set-wise."""
    written = Written()
    connection = connections[database_for(Message)]
    quote = connection.ops.quote_name
    messages, optouts = quote(Message._meta.db_table), quote(Suppression._meta.db_table)
    constants = _constants(campaign, upload)
    with connection.cursor() as cursor:
        _stage(cursor, recipients)
        cursor.execute(_known(f"{_STAGE} AS s", messages), [campaign.pk])
        if known := {phone: row or None for phone, row in cursor.fetchall()}:
            written.known = {r.row_number: known[r.phone] for r in recipients if r.phone in known}
        cursor.execute(
            f"SELECT phone, row_number FROM {_STAGE} s "  # noqa: S608
            f"WHERE EXISTS (SELECT 1 FROM {optouts} o WHERE o.phone = s.phone)"
        )
        listed = dict(cursor.fetchall())
        written.suppressed = {listed[phone] for phone in _opted_out(campaign, listed)} - written.known.keys()
        selected = {
            "public_id": "gen_random_uuid()",
            "status": "CASE WHEN row_number = ANY(%s) THEN %s ELSE %s END",
            **{name: name for name in ("row_number", "phone", "region", "variables", "segments")},
        }
        names = ", ".join(map(quote, [*selected, *constants]))
        cursor.execute(
            f"INSERT INTO {messages} ({names}) "  # noqa: S608
            f"SELECT {', '.join(selected.values())}{', %s' * len(constants)} FROM {_STAGE} "
            "WHERE NOT row_number = ANY(%s) ORDER BY row_number ON CONFLICT DO NOTHING",
            [
                list(written.suppressed),
                Status.SUPPRESSED.value,
                Status.DRAFT.value,
                *constants.values(),
                list(written.known),
            ],
        )
        if cursor.rowcount != len(recipients) - len(written.known):
            raise Conflict("somebody else wrote to the same phones meanwhile")
    return written


def _stage(cursor: Any, recipients: Sequence[Recipient]) -> None:
    """``recipients`` in a table that ends with the transaction: a pooled connection keeps nothing of it."""
    cursor.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {_STAGE} (row_number integer, phone varchar(16), "
        "region varchar(3), variables jsonb, segments smallint) ON COMMIT DROP"
    )
    cursor.execute(f"TRUNCATE {_STAGE}")
    with cursor.copy(f"COPY {_STAGE} FROM STDIN") as copy:
        for group in batched(recipients, COPY_ROWS):
            copy.write("".join(map(_staged_line, group)))


def _staged_line(r: Recipient) -> str:
    variables = r.variables_json.replace("\\", "\\\\")
    return f"{r.row_number}\t{r.phone}\t{r.region}\t{variables}\t{r.segments}\n"


def write_by_insert(campaign: Campaign, upload: CampaignUpload, recipients: Sequence[Recipient]) -> Written:
    """Every database: rows by the thousand, without an object for each."""
    written = Written()
    known: dict[str, int | None] = {}
    for batch in batched(recipients, 500):
        known.update(
            Message.objects.filter(campaign=campaign, phone__in=[r.phone for r in batch]).values_list(
                "phone", "row_number"
            )
        )
    written.known = {r.row_number: known[r.phone] for r in recipients if r.phone in known}
    new = [r for r in recipients if r.phone not in known]
    opted_out = suppressed_phones(
        (r.phone for r in new), channel=campaign.channel, message_type=campaign.message_type
    )
    written.suppressed = {r.row_number for r in new if r.phone in opted_out}
    connection = connections[database_for(Message)]
    constants = _constants(campaign, upload)
    columns = ", ".join(map(connection.ops.quote_name, [*_OWN, *constants]))
    sql = (
        f"INSERT INTO {connection.ops.quote_name(Message._meta.db_table)} ({columns}) "  # noqa: S608
        f"VALUES ({', '.join(['%s'] * (len(_OWN) + len(constants)))})"
    )
    same = tuple(constants.values())
    with connection.cursor() as cursor:
        try:
            for rows in batched(_own_values(new, written.suppressed, connection), INSERT_ROWS):
                cursor.executemany(sql, [row + same for row in rows])
        except IntegrityError as error:
            raise Conflict("somebody else wrote to the same phones meanwhile") from error
    return written


def _own_values(
    recipients: Sequence[Recipient], suppressed: set[int], connection: Any
) -> Iterator[tuple[Any, ...]]:
    public_id = Message._meta.get_field("public_id")
    for r in recipients:
        yield (
            public_id.get_db_prep_value(uuid.uuid4(), connection),
            r.row_number,
            r.phone,
            r.region,
            r.variables_json,
            r.segments,
            (Status.SUPPRESSED if r.row_number in suppressed else Status.DRAFT).value,
        )


def _constants(campaign: Campaign, upload: CampaignUpload) -> dict[str, Any]:
    """Column -> database value of what all messages of the upload have in common."""
    connection = connections[database_for(Message)]
    message = Message(
        campaign=campaign,
        upload=upload,
        channel=campaign.channel,
        message_type=campaign.message_type,
        sender_id=campaign.sender_id,
        template_id=campaign.template_id,
        entity_id=campaign.entity_id,
    )
    fields: list[Field[Any, Any]] = [
        f for f in Message._meta.concrete_fields if not f.primary_key and f.attname not in _OWN
    ]
    return {str(f.column): f.get_db_prep_save(f.pre_save(message, add=True), connection) for f in fields}
