"""People at the buttons, each in a process of their own that reads orders and answers a line each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.workers import ROOT, worker_environment

BUTTONS = ("launch", "pause", "resume", "cancel")


class Person:
    """``press()`` tells the process what to do, ``answer()`` waits for what came of it."""

    def __init__(self, home: Path, options: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.people"],
            cwd=ROOT,
            env=worker_environment(home, options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.answer()  # it is there

    def press(self, button: str, campaign_id: int) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([button, campaign_id]) + "\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        """``done``, or why not."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the person's process ended"
        return str(json.loads(line))

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def work() -> None:
    """The person's side."""
    import django

    django.setup()
    from django_messagecentral.campaigns import service
    from django_messagecentral.campaigns.models import Campaign
    from tests.celery_app import app

    app.set_default()
    Campaign.objects.exists()  # connected
    print(json.dumps("done"), flush=True)
    for line in sys.stdin:
        button, campaign_id = json.loads(line)
        assert button in BUTTONS
        try:
            getattr(service, button)(Campaign.objects.get(pk=campaign_id))
            said = "done"
        except service.CampaignError as error:
            said = str(error)
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    work()
