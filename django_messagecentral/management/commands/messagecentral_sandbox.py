"""``manage.py messagecentral_sandbox [host:port]``: the vendor's API simulated on this machine."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext_lazy as _

from django_messagecentral.sandbox import cli
from django_messagecentral.sandbox.config import ConfigError
from django_messagecentral.sandbox.replay import ReplayError
from django_messagecentral.sandbox.storage import StorageError


class Command(BaseCommand):
    """Serves the sandbox until interrupted."""

    help = "Simulates Message Central: its whole API, real codes, delivery callbacks, an inbox of the phones."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """``[host:port]`` and the sandbox's own options."""
        parser.add_argument(
            "address", nargs="?", default=f"127.0.0.1:{cli.DEFAULT_PORT}", help="host:port or port"
        )
        parser.add_argument(
            "--even-without-debug", action="store_true", help="run although DEBUG is False in the settings"
        )
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; a wrong option or a taken port ends with a plain message."""
        if not settings.DEBUG and not options["even_without_debug"]:
            raise CommandError(
                _(
                    "DEBUG is False, so this looks like a real site, and the sandbox sends nothing to real "
                    "phones. Add --even-without-debug if that is meant."
                )
            )
        host, colon, port = options["address"].rpartition(":")
        if not port.isdigit():
            raise CommandError(_("The address is host:port or a port, for example 127.0.0.1:9000."))
        try:
            cli.serve(host.strip("[]") if colon else "127.0.0.1", int(port), options)
        except (ConfigError, StorageError, ReplayError, OSError) as exc:
            raise CommandError(str(exc)) from exc
