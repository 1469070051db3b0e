"""``manage.py messagecentral_health [--json]``"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from django_messagecentral import health


class Command(BaseCommand):
    """Exits with 1 when something fails; a warning is no failure."""

    help = "Check the account, the broker, the cache, beat, the queue and the delivery callbacks."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = health.check()
        if options["json"]:
            self.stdout.write(json.dumps(health.as_dict(findings)))
        else:
            style = {
                health.OK: self.style.SUCCESS,
                health.WARNING: self.style.WARNING,
                health.FAILING: self.style.ERROR,
            }
            for finding in findings:
                self.stdout.write(
                    f"{style[finding.status](f'{finding.status:>8}')}  {finding.name}: {finding.detail}"
                )
        if health.worst(findings) == health.FAILING:
            raise CommandError("something fails", returncode=1)
