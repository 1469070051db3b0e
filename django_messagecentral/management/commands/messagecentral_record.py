"""``manage.py messagecentral_record FILE``: record the real service's answers for the sandbox to replay."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from django_messagecentral.sandbox import cli
from django_messagecentral.sandbox.config import ConfigError
from django_messagecentral.sandbox.record import VENDOR


class Command(BaseCommand):
    """A proxy between a client and the real service, until interrupted."""

    help = "Records a real account's answers, secrets and people removed, to a file that the sandbox replays."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """``FILE [--listen host:port] [--to URL]``."""
        parser.add_argument("file", help="where answers are appended, one JSON object a line")
        parser.add_argument(
            "--listen", default="127.0.0.1:9001", help="host:port that clients take for the vendor"
        )
        parser.add_argument("--to", default=VENDOR, help=f"the real service ({VENDOR})")

    def handle(self, *args: Any, **options: Any) -> None:
        """Record; what a client sends through it is really sent, and really paid for."""
        host, _colon, port = options["listen"].rpartition(":")
        if not port.isdigit():
            raise CommandError(_("--listen is host:port, for example 127.0.0.1:9001."))
        self.stderr.write(_("What is sent through this proxy goes to real phones and is paid for."))
        try:
            count = cli.record(host.strip("[]") or "127.0.0.1", int(port), options["file"], options["to"])
        except (ConfigError, OSError) as exc:
            raise CommandError(str(exc)) from exc
        self.stdout.write(_("{count} answers are in {file}.").format(count=count, file=options["file"]))
