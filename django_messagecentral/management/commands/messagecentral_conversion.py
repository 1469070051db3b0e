"""``manage.py messagecentral_conversion [--hours 24] [--json]``"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from django_messagecentral.callbacks.conversion import conversion


class Command(BaseCommand):
    help = "One-time codes sent, delivered and entered, by hour (UTC), channel and country."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--hours", type=int, default=24)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        rows = conversion(now - timedelta(hours=options["hours"]), now)
        if options["json"]:
            self.stdout.write(json.dumps([asdict(row) for row in rows], default=str))
            return
        for row in rows:
            self.stdout.write(
                f"{row.hour:%Y-%m-%d %H:00}  {row.channel:<9} {row.country or '-':<3} sent {row.sent}, "
                f"delivered {row.delivered}, entered {row.entered}"
            )
