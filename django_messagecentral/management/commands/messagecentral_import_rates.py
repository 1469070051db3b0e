"""``manage.py messagecentral_import_rates rates.xlsx [--replace] [--dry-run]``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_messagecentral.messaging.rates_import import UnusableRates, read_rates, store


class Command(BaseCommand):
    """All of the table is stored, or nothing."""

    help = "Import what a segment costs from an .xlsx with the columns Country, Channel, Type, Price ..."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")
        parser.add_argument("--replace", action="store_true", help="forget the rates that are there")
        parser.add_argument("--dry-run", action="store_true", help="read and judge only")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with open(options["file"], "rb") as file:
                sheet = read_rates(file)
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from None
        except UnusableRates as error:
            raise CommandError(str(error)) from None
        for row, reason in sheet.errors:
            self.stderr.write(f"row {row}: {reason}")
        if sheet.errors:
            raise CommandError(f"{len(sheet.errors)} rows cannot be used: nothing was stored.")
        if options["dry_run"]:
            self.stdout.write(f"{len(sheet.rates)} rates could be stored.")
        else:
            self.stdout.write(f"{store(sheet, replace=options['replace'])} rates stored.")
