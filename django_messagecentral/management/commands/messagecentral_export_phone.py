"""``manage.py messagecentral_export_phone +919876543210 > person.json``"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_messagecentral.conf import app_settings
from django_messagecentral.phones import InvalidPhone, parse_phone
from django_messagecentral.privacy.person import export


class Command(BaseCommand):
    help = "Print all that is stored about one phone, as JSON."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("phone")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            phone = parse_phone(options["phone"], region=app_settings.DEFAULT_REGION).e164
        except InvalidPhone as error:
            raise CommandError(error.reason) from None
        self.stdout.write(json.dumps(export(phone), ensure_ascii=False, indent=2))
