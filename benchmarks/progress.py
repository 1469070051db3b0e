"""What a look at a campaign's progress costs, at a thousand recipients and at five million.

The peer of the large campaign is the small one, in the same run on the same database: the admin's page, the
answer that its script asks for every second, and the command for a terminal.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.scratch import Site

HELP = "a look at the progress of a large campaign, beside the same look at a small one"
SMALL = 1_000
LOOKS = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipients", type=int, default=5_000_000, help="of the large campaign")
    parser.add_argument("--database", choices=["postgres", "mariadb", "sqlite"], default="postgres")


def run(options: argparse.Namespace) -> dict[str, Any]:
    with Site(options.database, {"CUSTOMER_ID": "C-SANDBOX0000001", "PASSWORD": "sandbox"}):
        small, large = _campaign(SMALL, 910_000_000_000), _campaign(options.recipients, 920_000_000_000)
        looks = {name: (_cost(look, small), _cost(look, large)) for name, look in _looks().items()}
    figures: dict[str, Any] = {"database": options.database, "recipients": options.recipients}
    for name, ((small_ms, small_queries), (large_ms, large_queries)) in looks.items():
        figures |= {
            f"{name}_ms": round(large_ms, 2),
            f"{name}_queries": large_queries,
            f"{name}_ratio_to_small": round(large_ms / small_ms, 2),
            f"{name}_queries_of_small": small_queries,
        }
    return figures


def _campaign(recipients: int, first: int) -> Any:
    """A campaign in mid-send: half of it delivered, a tenth of its rows set aside."""
    from django.db import connection

    from django_messagecentral.campaigns.models import Campaign, CampaignUpload, RejectedRow
    from django_messagecentral.messaging.counters import Deltas, fold_all
    from django_messagecentral.messaging.models import Message

    campaign = Campaign.objects.create(name="b", text="Hello ##var##.", sender_id="UTOMOB", status="sending")
    aside = recipients // 10
    upload = CampaignUpload.objects.create(
        campaign=campaign,
        columns=["var1"],
        status="done",
        accepted=recipients,
        rejected=aside,
        problems={"phone_short": [aside, 7, "This number has too few digits."]},
    )
    template = Message(campaign=campaign, upload=upload, phone="+0", region="IN", variables=["N"])
    template.save()
    table, columns = Message._meta.db_table, [f.column for f in Message._meta.fields if not f.primary_key]
    own = {"phone", "public_id", "status"}
    shared = ", ".join(connection.ops.quote_name(c) for c in columns if c not in own)
    done = 1  # doubled until there are enough: the database copies its own rows
    while done < recipients:
        count = min(done, recipients - done)
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (phone, public_id, status, {shared}) "
                f"SELECT {_phone(connection.vendor, first + done)}, {_uuid(connection.vendor)}, "
                f"{_status()}, {shared} FROM (SELECT m.*, ROW_NUMBER() OVER (ORDER BY id) AS n "
                f"FROM {table} m WHERE campaign_id = %s ORDER BY id LIMIT {count}) AS copied",
                [campaign.pk],
            )
        done += count
    RejectedRow.objects.bulk_create(
        (
            RejectedRow(
                upload=upload, row_number=n, code="phone_short", reason="This number has too few digits."
            )
            for n in range(7, 7 + aside)
        ),
        batch_size=5_000,
    )
    deltas = Deltas()
    for status, count in (("delivered", recipients // 2), ("queued", recipients - recipients // 2)):
        deltas.add(campaign.pk, status, count)
    deltas.write()
    fold_all()
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {'TABLE ' if connection.vendor == 'mysql' else ''}{table}")
    return campaign


def _phone(vendor: str, first: int) -> str:
    return f"CONCAT('+', {first} + n)" if vendor == "mysql" else f"'+' || ({first} + n)"


def _uuid(vendor: str) -> str:
    return {
        "postgresql": "gen_random_uuid()",
        "mysql": "UUID()",
        "sqlite": "lower(hex(randomblob(16)))",
    }[vendor]


def _status() -> str:
    return "CASE WHEN n %% 2 = 0 THEN 'delivered' ELSE 'queued' END"


def _looks() -> dict[str, Callable[[Any], object]]:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.test import Client
    from django.urls import reverse

    client = Client()
    client.force_login(get_user_model().objects.create_superuser("operator", password="o"))

    def page(name: str) -> Callable[[Any], object]:
        def look(campaign: Any) -> None:
            answer = client.get(reverse(f"admin:messagecentral_campaign_{name}", args=[campaign.pk]))
            if answer.status_code != 200:
                raise RuntimeError(f"the {name} page answered {answer.status_code}")

        return look

    def command(campaign: Any) -> None:
        call_command("messagecentral_campaign", "status", str(campaign.public_id), stdout=io.StringIO())

    return {"page": page("change"), "script": page("progress"), "command": command}


def _cost(look: Callable[[Any], object], campaign: Any) -> tuple[float, int]:
    """Milliseconds (the median) and queries."""
    from django.db import connection

    queries = 0

    def count(execute: Any, *args: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*args)

    look(campaign)
    with connection.execute_wrapper(count):
        look(campaign)
    times = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        look(campaign)
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times), queries
