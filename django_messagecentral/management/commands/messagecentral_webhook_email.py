"""``manage.py messagecentral_webhook_email https://www.example.com``"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_messagecentral.callbacks.registration import NotReady, registration


class Command(BaseCommand):
    """Prints it; sending is left to a person, from the registered address."""

    help = "Print the e-mail that asks Message Central to send delivery callbacks to this site."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("site", help="public address of the site, e.g. https://www.example.com")
        parser.add_argument("--brand", default="", help="brand name (the sender ID by default)")
        parser.add_argument("--email", default="", help="registered e-mail of the vendor's account")
        parser.add_argument(
            "--token", type=int, default=1, metavar="N", help="which of WEBHOOK_TOKENS, from 1 (rotation)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            mail = registration(
                options["site"],
                brand=options["brand"],
                email=options["email"],
                token_number=options["token"],
            )
        except NotReady as error:
            raise CommandError(str(error)) from None
        for warning in mail.warnings:
            self.stderr.write(self.style.WARNING(warning))
        self.stdout.write(str(mail))
