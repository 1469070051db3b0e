"""What can be typed after ``manage.py messagecentral_campaign``."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandParser

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.messaging.models import Channel, MessageType


def positive(text: str) -> float:
    """A number above zero."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"{text!r} is no number above 0")
    return number


def add_actions(parser: CommandParser) -> None:
    """One sub-command an action."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, does: str, *, campaign: bool = True, **more: Any) -> Any:
        sub = actions.add_parser(name, help=does, description=does)
        if campaign:
            sub.add_argument("campaign", metavar="ID", help="its id, or the beginning of it", **more)
        sub.add_argument("--json", action="store_true", help="JSON on stdout")
        return sub

    create = action("create", "a new campaign, with its recipients' sheet or without", campaign=False)
    _create_arguments(create)
    load = action("import", "add a sheet of recipients, and wait until it is imported")
    load.add_argument("file", metavar="FILE", help=".xlsx or .csv; - reads numbers from stdin")
    load.add_argument("--country", default="", help="of all numbers from stdin, e.g. IN")
    launch = action("launch", "start sending now, or at a moment")
    launch.add_argument("--at", default="", metavar="MOMENT", help="ISO 8601, e.g. 2026-11-24T18:30")
    status = action("status", "where a campaign stands; without an id, the latest campaigns", nargs="?")
    status.add_argument("--watch", action="store_true", help="follow it until it stops moving")
    pause = action("pause", "stop within two seconds")
    action("resume", "go on where it stopped")
    cancel = action("cancel", "stop for good: what has not left never will")
    report = action("report", "all numbers of a campaign, and the rows that were not used")
    report.add_argument("--rejected", default="", metavar="FILE", help="write those rows to this .xlsx")
    resend = action("resend-unconfirmed", "send again what may or may not have been received")
    give_up = action("give-up-unconfirmed", "count what may or may not have been received as failed")
    for sub in (pause, cancel):
        sub.add_argument("--reason", default="", help="shown beside the status")
    for sub in (cancel, resend, give_up):
        sub.add_argument("--yes", action="store_true", help="do not ask")
    for sub in (create, load):
        sub.add_argument("--no-wait", action="store_true", help="leave the import to the workers")
    for sub in (create, load, status):
        sub.add_argument("--interval", type=positive, default=1.0, help="seconds between two looks")


def _create_arguments(create: Any) -> None:
    create.add_argument("name")
    text = create.add_mutually_exclusive_group(required=True)
    text.add_argument("--text", help="e.g. 'Hello ##var##'")
    text.add_argument("--text-file", metavar="FILE", help="a file in UTF-8 that holds the text")
    create.add_argument("--file", default="", help="the recipients' sheet, .xlsx or .csv")
    create.add_argument("--channel", choices=Channel.values)
    create.add_argument("--type", dest="message_type", choices=MessageType.values)
    create.add_argument("--sender-id")
    create.add_argument("--template-id")
    create.add_argument("--entity-id")
    create.add_argument("--mode", choices=[mode.value for mode in Campaign.Mode if mode.value])
    create.add_argument("--pace", type=positive, help="messages a second (the account's by default)")
    create.add_argument("--ends-at", metavar="MOMENT", help="pause at this moment")
