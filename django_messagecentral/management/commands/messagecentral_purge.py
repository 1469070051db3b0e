"""``manage.py messagecentral_purge [--days N]``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_messagecentral.conf import app_settings
from django_messagecentral.privacy.retention import purge


class Command(BaseCommand):
    help = "Purge texts, variables, raw reports, files and addresses older than RETENTION_DAYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=None, help="instead of RETENTION_DAYS")

    def handle(self, *args: Any, **options: Any) -> None:
        days = app_settings.RETENTION_DAYS if options["days"] is None else options["days"]
        if days <= 0:
            raise CommandError("RETENTION_DAYS is 0, which keeps everything: set it, or give --days.")
        for name, count in purge(days).items():
            self.stdout.write(f"{name}: {count}")
