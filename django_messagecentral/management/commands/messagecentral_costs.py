"""``manage.py messagecentral_costs [--month 2026-11] [--by campaign_id,purpose,day] [--json]``"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.spending import GROUPINGS, next_month, totals_by


class Command(BaseCommand):
    help = "What was submitted in a month (UTC) and what it cost, as submitted."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--month", default="", help="YYYY-MM (this month by default)")
        parser.add_argument(
            "--by", default="channel,message_type,country", help=f"any of {', '.join(GROUPINGS)}"
        )
        parser.add_argument("--json", action="store_true", help="one JSON array")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [name.strip() for name in options["by"].split(",") if name.strip()]
        if unknown := sorted(set(names) - set(GROUPINGS)):
            raise CommandError(f"unknown: {', '.join(unknown)}; use any of {', '.join(GROUPINGS)}")
        since = self._month(options["month"])
        rows = totals_by(*names, since=since, until=next_month(since))
        for row in rows:
            row["cost"] = str(Decimal(row.pop("cost_micros")) / 1_000_000)
        if options["json"]:
            self.stdout.write(json.dumps(rows, default=str))
            return
        titles = dict(Campaign.objects.values_list("pk", "name")) if "campaign_id" in names else {}
        for row in rows:
            labels = [str(titles.get(row[n], row[n]) if n == "campaign_id" else row[n] or "-") for n in names]
            self.stdout.write(
                f"{'  '.join(labels)}: {row['messages']} messages, {row['segments']} segments, "
                f"{row['cost']} {app_settings.CURRENCY}"
            )
        if not rows:
            self.stdout.write(f"Nothing was submitted in {since:%Y-%m}.")

    @staticmethod
    def _month(text: str) -> date:
        try:
            return date.fromisoformat(f"{text}-01") if text else timezone.now().date().replace(day=1)
        except ValueError:
            raise CommandError(f"{text!r} is no month: write it as 2026-11") from None
