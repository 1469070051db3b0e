"""``manage.py messagecentral_erase_phone +919876543210 [--yes] [--forget-opt-outs]``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_messagecentral.conf import app_settings
from django_messagecentral.phones import InvalidPhone, mask_phone, parse_phone
from django_messagecentral.privacy.person import BeingSent, erase


class Command(BaseCommand):
    help = "Erase all that is stored about one phone; counts and opt-outs stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("phone")
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--forget-opt-outs", action="store_true", help="the next sheet may write to it again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            phone = parse_phone(options["phone"], region=app_settings.DEFAULT_REGION).e164
        except InvalidPhone as error:
            raise CommandError(error.reason) from None
        question = f"Erase everything about {mask_phone(phone)}? It cannot be undone. [y/N] "
        if not options["yes"] and input(question).strip().lower() not in ("y", "yes"):
            raise CommandError("Nothing was erased.")
        try:
            counts = erase(phone, forget_opt_outs=options["forget_opt_outs"])
        except BeingSent as error:
            raise CommandError(str(error)) from None
        for name, count in counts.items():
            self.stdout.write(f"{name}: {count}")
