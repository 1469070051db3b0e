"""Writes a chunk's messages the quickest way the database has: COPY and one INSERT ... SELECT on
PostgreSQL, plain rows in large statements elsewhere. Both do the same and say what they found.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
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
COPY_ROWS = 2_000  # lines handed to COPY at once
_STAGE = "mc_import_stage"
# What differs from one message of an upload to the next; every other column is the same in all of them.
_OWN = ("public_id", "row_number", "phone", "region", "variables", "segments", "status")

_json = json.JSONEncoder().encode


@dataclass(slots=True)
class Written:
    """Of the given recipients, by row number: whose phone the campaign has already, with the row it came
    from (None if it came from no sheet), and who has opted out. All others are drafts now.
    """

    known: dict[int, int | None] = field(default_factory=dict)
    suppressed: set[int] = field(default_factory=set)


Writer = Callable[[Campaign, CampaignUpload, Sequence[Recipient]], Written]


def writer() -> Writer:
    """The way for the database that messages live in. To be called, and used, inside a transaction."""
    connection = connections[database_for(Message)]
    if connection.vendor == "postgresql":
        from django.db.backends.postgresql.psycopg_any import is_psycopg3

        if is_psycopg3:
            return write_by_copy
    return write_by_insert


def write_by_copy(campaign: Campaign, upload: CampaignUpload, recipients: Sequence[Recipient]) -> Written:
    """PostgreSQL with psycopg 3: COPY to a temporary table, the rest is set-wise."""
    written = Written()
    if not recipients:
        return written
    connection = connections[database_for(Message)]
    quote = connection.ops.quote_name
    messages, optouts = quote(Message._meta.db_table), quote(Suppression._meta.db_table)
    constants = _constants(campaign, upload)
    with connection.cursor() as cursor:
        # Dropped at the end of the transaction: a pooled connection keeps nothing of it.
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {_STAGE} (row_number integer, phone varchar(16), "
            "region varchar(3), variables jsonb, segments smallint) ON COMMIT DROP"
        )
        cursor.execute(f"TRUNCATE {_STAGE}")
        with cursor.copy(f"COPY {_STAGE} FROM STDIN") as copy:
            for lines in batched(map(_line, recipients), COPY_ROWS):
                copy.write("".join(lines))
        # A subquery a row, so that whatever the planner believes of a table without statistics, it uses the
        # unique index.
        cursor.execute(
            f"SELECT row_number, known FROM (SELECT s.row_number, (SELECT coalesce(m.row_number, 0) "  # noqa: S608
            f"FROM {messages} m WHERE m.campaign_id = %s AND m.phone = s.phone) AS known "
            f"FROM {_STAGE} s OFFSET 0) AS found WHERE known IS NOT NULL",
            [campaign.pk],
        )
        written.known = {row: known or None for row, known in cursor.fetchall()}
        cursor.execute(
            f"SELECT phone, row_number FROM {_STAGE} s "  # noqa: S608
            f"WHERE EXISTS (SELECT 1 FROM {optouts} o WHERE o.phone = s.phone)"
        )
        listed = dict(
            cursor.fetchall()
        )  # with an opt-out of some kind; which count here, is decided in one place
        opted_out = suppressed_phones(listed, channel=campaign.channel, message_type=campaign.message_type)
        written.suppressed = {listed[phone] for phone in opted_out} - written.known.keys()
        selected = {
            "public_id": "gen_random_uuid()",
            "status": "CASE WHEN row_number = ANY(%s) THEN %s ELSE %s END",
            **{name: name for name in ("row_number", "phone", "region", "variables", "segments")},
        }
        names = [*selected, *constants]
        cursor.execute(
            f"INSERT INTO {messages} ({', '.join(map(quote, names))}) "  # noqa: S608
            f"SELECT {', '.join(selected.values())}{', %s' * len(constants)} FROM {_STAGE} "
            "WHERE NOT row_number = ANY(%s) ORDER BY row_number ON CONFLICT DO NOTHING",
            [
                list(written.suppressed),
                Status.SUPPRESSED,
                Status.DRAFT,
                *constants.values(),
                list(written.known),
            ],
        )
        if cursor.rowcount != len(recipients) - len(written.known):
            raise Conflict("somebody else wrote to the same phones meanwhile")
    return written


def _line(recipient: Recipient) -> str:
    """The recipient in COPY's text format. JSON holds no character but the backslash that this format reads
    otherwise.
    """
    variables = _json(recipient.variables).replace("\\", "\\\\")
    return (
        f"{recipient.row_number}\t{recipient.phone}\t{recipient.region}\t{variables}\t{recipient.segments}\n"
    )


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
            _json(r.variables),
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
