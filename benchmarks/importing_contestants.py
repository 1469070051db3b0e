"""One contestant of the import benchmark, in a process of its own.

``python -m benchmarks.importing_contestants NAME DATABASE DBNAME FOLDER SHEET [ROWS]``
"""

from __future__ import annotations

import json
import resource
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

from benchmarks import import_site as site

TEXT = "Hello ##var##, your balance is ##var2## on date ##var3##."
COLUMNS = (
    "public_id", "campaign_id", "upload_id", "row_number", "phone", "region",
    "variables", "sender_id", "status",
    "segments",
)  # fmt: skip


def migrate(_sheet: str) -> dict[str, Any]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return {}


def app(sheet: str) -> dict[str, Any]:
    """This app's own import, from the stored upload to the last row."""
    from django.db import connection

    from django_messagecentral.campaigns import service, tasks
    from django_messagecentral.campaigns.imports import run_import

    tasks.import_upload.delay = lambda *_: None  # the import is run here, not by a worker
    upload = service.create_campaign("Benchmark", TEXT, file=sheet).uploads.get()
    statements = 0

    def count(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal statements
        statements += 1
        return execute(*arguments)

    with connection.execute_wrapper(count):
        began = time.perf_counter()
        run_import(upload.pk, seconds=None)
        seconds = time.perf_counter() - began
    upload.refresh_from_db()
    return {"seconds": seconds, "rows": upload.accepted, "queries": statements}


def limit(sheet: str) -> dict[str, Any]:
    """calamine and COPY, nothing else."""
    from django.db import connection, transaction
    from python_calamine import CalamineWorkbook

    campaign, upload = _owners()
    began = time.perf_counter()
    rows = CalamineWorkbook.from_path(sheet).get_sheet_by_index(0).to_python()
    read = time.perf_counter() - began
    constants = _other_columns()
    names = ", ".join(map(connection.ops.quote_name, [*COLUMNS, *constants]))
    fixed = list(constants.values())
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY messagecentral_message ({names}) FROM STDIN") as copy:
                for number, (country, mobile, name, amount, day, *_more) in enumerate(rows[1:], 2):
                    copy.write_row(
                        [uuid.uuid4(), campaign, upload, number, f"+{country:.0f}{mobile:.0f}", "IN",
                         f'["{name}", "{amount}", "{day}"]', "UTOMOB", "draft", 1, *fixed]
                    )  # fmt: skip
        else:
            marks = ", ".join(["%s"] * (len(COLUMNS) + len(fixed)))
            cursor.executemany(
                f"INSERT INTO messagecentral_message ({names}) VALUES ({marks})",
                [
                    (uuid.uuid4().hex, campaign, upload, number, f"+{country:.0f}{mobile:.0f}", "IN",
                     f'["{name}", "{amount}", "{day}"]', "UTOMOB", "draft", 1, *fixed)
                    for number, (country, mobile, name, amount, day, *_more) in enumerate(rows[1:], 2)
                ],
            )  # fmt: skip
    return {"seconds": time.perf_counter() - began, "read_seconds": round(read, 2), "rows": len(rows) - 1}


def hand(sheet: str, rows: str) -> dict[str, Any]:
    """As people write it."""
    import openpyxl
    import phonenumbers

    from django_messagecentral.messaging.models import Message

    campaign, upload = _owners()
    began = time.perf_counter()
    book = openpyxl.load_workbook(sheet, read_only=True)
    opened = time.perf_counter()
    done = 0
    for row in book.worksheets[0].iter_rows(min_row=2, values_only=True):
        country, mobile, *values = row
        number = phonenumbers.parse(f"+{country}{mobile}")
        if phonenumbers.is_valid_number(number):
            Message.objects.create(
                campaign_id=campaign,
                upload_id=upload,
                phone=phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164),
                variables=[str(value) for value in values],
            )
        done += 1
        if done >= int(rows):
            break
    seconds = time.perf_counter() - opened
    return {"seconds": seconds, "open_seconds": round(opened - began, 2), "rows": done}


def _owners() -> tuple[int, int]:
    from django_messagecentral.campaigns.models import Campaign, CampaignUpload

    campaign = Campaign.objects.create(name="Peer", text=TEXT)
    return campaign.pk, CampaignUpload.objects.create(campaign=campaign, file="peer.xlsx").pk


def _other_columns() -> dict[str, Any]:
    """The table's other columns that may not be NULL, with their values."""
    from django.db import connection

    from django_messagecentral.messaging.models import Message

    message = Message()
    values = {
        str(field.column): field.get_db_prep_save(field.pre_save(message, add=True), connection)
        for field in Message._meta.concrete_fields
        if not field.primary_key and field.column not in COLUMNS
    }
    return {name: value for name, value in values.items() if value is not None}


def _empty_table() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("TRUNCATE messagecentral_message CASCADE")
            cursor.execute("CHECKPOINT")
        else:
            cursor.execute("DELETE FROM messagecentral_message")


def main() -> None:
    name, database, database_name, folder, sheet, *more = sys.argv[1:]
    site.setup(database, database_name, folder)
    if name != "migrate":
        _empty_table()
    cpu = time.process_time()
    figures = {"migrate": migrate, "app": app, "limit": limit, "hand": hand}[name](sheet, *more)
    if rows := figures.get("rows"):
        figures["seconds"] = round(figures["seconds"], 2)
        figures["cpu_us_per_row"] = round((time.process_time() - cpu) / rows * 1e6, 1)
        figures["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
