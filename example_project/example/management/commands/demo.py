"""Runs the app's main job on this machine: see README.rst."""

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, call_command

from django_messagecentral.messaging.models import Rate
from example.demo import campaign, verification
from example.demo.processes import MANAGE, DemoError, Processes, free_port
from example.demo.screen import Screen

SETTLED = ("delivered", "undelivered", "expired", "rejected", "unknown")


class Command(BaseCommand):
    help = "Verifies a phone and runs a campaign from a spreadsheet, with the sandbox in place of the vendor."
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rows", type=int, default=1000, help="rows of the spreadsheet (default: 1000)")
        parser.add_argument(
            "--json", action="store_true", help="print the report as one JSON object on the last line"
        )
        parser.add_argument("--serve", action="store_true", help="leave the site running until Ctrl-C")

    def handle(self, *args: Any, rows: int, json: bool, serve: bool, **options: Any) -> None:
        if rows < 1:
            self.stderr.write("--rows must be at least 1")
            sys.exit(2)
        if "EXAMPLE_DEMO" not in os.environ:
            sys.exit(self._run_in_fresh_home(sys.argv[1:]))
        sys.exit(self._demo(rows, as_json=json, serve=serve))

    @staticmethod
    def _run_in_fresh_home(arguments: list[str]) -> int:
        """Run this command again with a home, ports and secrets of its own, so that demos never meet."""
        with tempfile.TemporaryDirectory(prefix="messagecentral-demo-", ignore_cleanup_errors=True) as home:
            environment = os.environ | {
                "EXAMPLE_DEMO": "1",
                "EXAMPLE_HOME": home,
                "EXAMPLE_SANDBOX_URL": f"http://127.0.0.1:{free_port()}",
                "EXAMPLE_SITE_PORT": str(free_port()),
                "EXAMPLE_WEBHOOK_TOKEN": secrets.token_urlsafe(32),
                "EXAMPLE_SECRET_KEY": secrets.token_urlsafe(50),
                "PYTHONUNBUFFERED": "1",
            }
            child = subprocess.Popen([sys.executable, str(MANAGE), *arguments], env=environment)
            # Whoever ends this process ends the child's processes with it.
            signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGINT))
            while True:
                try:
                    return child.wait()
                except KeyboardInterrupt:  # the child has it too, and ends its processes
                    continue

    def _demo(self, rows: int, *, as_json: bool, serve: bool) -> int:
        home = Path(os.environ["EXAMPLE_HOME"])
        screen = Screen(self.stdout._out)  # type: ignore[attr-defined]
        addresses = self._prepare(screen)
        with Processes(home) as processes:
            try:
                self._start(processes, addresses)
                started = time.monotonic()
                verified = verification.run(screen)
                result = campaign.run(home, rows, screen, processes)
                summary = self._summary(rows, result, verified, time.monotonic() - started)
            except DemoError as error:
                self.stderr.write(str(error))
                if as_json:
                    self.stdout.write(json.dumps({"ok": False, "error": str(error)}))
                return 1
            self._show(screen, summary)
            if serve:
                summary |= addresses
                self._show_addresses(screen, addresses)
            if as_json:
                self.stdout.write(json.dumps(summary))
                self.stdout.flush()
            if serve:
                self._serve(processes)
            return 0 if summary["ok"] else 1

    def _prepare(self, screen: Screen) -> dict[str, str]:
        """The database, an administrator, and what a segment costs."""
        screen.heading("Preparing a database, an administrator and a rate")
        call_command("migrate", verbosity=0, interactive=False)
        password = secrets.token_urlsafe(12)
        get_user_model().objects.create_superuser("admin", "admin@example.com", password)
        Rate.objects.create(country="IN", price=Decimal("0.0021"), currency="USD")
        site = f"http://127.0.0.1:{os.environ['EXAMPLE_SITE_PORT']}"
        sandbox = os.environ["EXAMPLE_SANDBOX_URL"]
        return {"site": site, "sandbox": sandbox, "admin_user": "admin", "admin_password": password}

    @staticmethod
    def _start(processes: Processes, addresses: dict[str, str]) -> None:
        site, sandbox = addresses["site"], addresses["sandbox"]
        webhook = f"{site}/messagecentral/webhook/{os.environ['EXAMPLE_WEBHOOK_TOKEN']}/"
        processes.manage(
            "sandbox", "messagecentral_sandbox", sandbox.removeprefix("http://"), "--callback-url", webhook
        )
        processes.manage("site", "runserver", "--noreload", site.removeprefix("http://"))
        processes.start(
            "worker",
            "-m",
            "celery",
            "-A",
            "example",
            "worker",
            "-B",
            "-c",
            "4",
            "-l",
            "INFO",
            "-n",
            "demo@%h",
        )
        processes.wait_for(f"{sandbox}/_sandbox/stats")
        processes.wait_for(f"{site}/messagecentral/webhook/")

    @staticmethod
    def _summary(
        rows: int, result: campaign.Result, verified: dict[str, str], seconds: float
    ) -> dict[str, Any]:
        numbers, sheet = result.report, result.sheet
        statuses = {status: numbers.counts[status] for status in SETTLED}
        others = {s: n for s, n in numbers.counts.items() if s not in statuses and n}
        checks = {
            "every recipient is accounted for": numbers.recipients
            == sum(statuses.values()) + sum(others.values()),
            "nothing waits": numbers.waiting == 0 and numbers.unsettled == 0,
            "the import found what the sheet holds": (numbers.rows, numbers.rejected, numbers.duplicates)
            == (sheet.rows, sheet.rejected, sheet.duplicates)
            and numbers.recipients == sheet.recipients,
            "the sandbox received what the site submitted": result.received_by_sandbox == numbers.submitted,
            "the phone is verified, by the right code, once": verified
            == {"wrong_code": "refused", "right_code": "accepted", "second_use": "refused"},
        }
        return {
            "ok": all(checks.values()),
            "rows": rows,
            "recipients": numbers.recipients,
            "rejected_rows": numbers.rejected,
            "duplicates": numbers.duplicates,
            "submitted": numbers.submitted,
            "received_by_sandbox": result.received_by_sandbox,
            "statuses": {**statuses, **others},
            "segments": numbers.segments,
            "cost": str(numbers.cost),
            "currency": numbers.currency,
            "tasks_lost": result.purged,
            "seconds": round(seconds, 1),
            "verification": verified,
            "checks": checks,
        }

    @staticmethod
    def _show(screen: Screen, summary: dict[str, Any]) -> None:
        screen.heading("Report")
        for name in ("rows", "rejected_rows", "duplicates", "recipients", "submitted", "received_by_sandbox"):
            screen.line(f"{name.replace('_', ' '):<22}{summary[name]:>10,}")
        for status, count in summary["statuses"].items():
            screen.line(f"  {status:<20}{count:>10,}")
        screen.line(f"{'segments':<22}{summary['segments']:>10,}")
        screen.line(f"{'estimated cost':<22}{summary['cost']:>10} {summary['currency']}")
        screen.line(f"{'seconds':<22}{summary['seconds']:>10}")
        for check, passed in summary["checks"].items():
            screen.line(f"[{'ok' if passed else 'NO'}] {check}")

    @staticmethod
    def _show_addresses(screen: Screen, addresses: dict[str, str]) -> None:
        screen.heading("The site is running; Ctrl-C ends it")
        screen.line(f"site     {addresses['site']}/")
        screen.line(
            f"admin    {addresses['site']}/admin/  {addresses['admin_user']} / {addresses['admin_password']}"
        )
        screen.line(f"phones   {addresses['sandbox']}/_sandbox/")

    @staticmethod
    def _serve(processes: Processes) -> None:
        try:
            while True:
                processes.check()
                time.sleep(1)
        except KeyboardInterrupt:
            return
