"""``manage.py messagecentral_campaign create|import|launch|status|pause|resume|cancel|report|...``

Campaigns for those who live in a terminal. Every action takes ``--json``; errors go to stderr, and the
exit code is 1 then.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError
from django.utils.translation import gettext as _

from django_messagecentral.campaigns import exports, service, terminal
from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.campaigns.progress import Progress, progress
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.campaigns.unconfirmed import (
    give_up_unconfirmed,
    resend_unconfirmed,
    unconfirmed,
)
from django_messagecentral.management.campaign_arguments import add_actions
from django_messagecentral.messaging import counters
from django_messagecentral.messaging.states import Status

NO_WORKER_AFTER = 10.0  # seconds after which a waiting import is remarked on
LISTED = 20  # campaigns that `status` without an id shows
MOVING = (CampaignStatus.IMPORTING, CampaignStatus.SCHEDULED, CampaignStatus.SENDING)
OPEN_UPLOADS = (CampaignUpload.Status.PENDING, CampaignUpload.Status.IMPORTING)


class Command(BaseCommand):
    help = "Create, import, launch, watch, pause, resume, cancel and report campaigns."

    def add_arguments(self, parser: CommandParser) -> None:
        add_actions(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "create": self._create,
            "import": self._import,
            "launch": self._launch,
            "status": self._status,
            "pause": self._pause,
            "resume": self._resume,
            "cancel": self._cancel,
            "report": self._report,
            "resend-unconfirmed": self._resend,
            "give-up-unconfirmed": self._give_up,
        }
        try:
            actions[options["action"]](options)
        except (service.CampaignError, UnusableSheet, terminal.Unusable) as error:
            raise CommandError(str(error)) from None
        except ValidationError as error:
            raise CommandError("\n".join(_by_field(error))) from None
        except UnicodeDecodeError:
            raise CommandError(_("%(file)s is not in UTF-8.") % {"file": options["text_file"]}) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            raise CommandError(f"{where}{error.strerror or error}") from None
        except DatabaseError as error:
            raise CommandError(_("The database: %(error)s") % {"error": error}) from None
        except KeyboardInterrupt:
            raise CommandError(
                _("Interrupted here; the workers go on with what was begun."), returncode=130
            ) from None

    # -- in -------------------------------------------------------------------------------------

    def _create(self, options: dict[str, Any]) -> None:
        text = options["text"]
        if text is None:
            text = Path(options["text_file"]).read_text(encoding="utf-8-sig").removesuffix("\n")
        names = ("channel", "message_type", "sender_id", "template_id", "entity_id", "mode", "pace")
        given = {name: options[name] for name in names if options[name] is not None}
        if options["ends_at"]:
            given["ends_at"] = terminal.moment(options["ends_at"])
        Campaign(name=options["name"], text=text, **given).clean_fields(exclude={"text"})
        campaign = service.create_campaign(options["name"], text, file=options["file"] or None, **given)
        self._say(options, str(campaign.public_id))
        upload = campaign.uploads.first()
        self._after_upload(campaign, upload, options)

    def _import(self, options: dict[str, Any]) -> None:
        campaign = terminal.campaign_of(options["campaign"])
        if options["file"] == "-":
            upload = service.add_numbers(campaign, sys.stdin.read(), country=options["country"])
        elif options["country"]:
            raise CommandError(_("--country is for numbers from stdin: a sheet has a Country column."))
        else:
            upload = service.add_upload(campaign, options["file"])
        self._after_upload(campaign, upload, options)

    def _after_upload(
        self, campaign: Campaign, upload: CampaignUpload | None, options: dict[str, Any]
    ) -> None:
        if upload is None:
            self._tell(campaign, options)
            return
        if not options["no_wait"]:
            self._wait_for(campaign, upload, options)
        campaign.refresh_from_db()
        upload.refresh_from_db()
        counts = {name: getattr(upload, name) for name in ("rows_read", "accepted", "rejected", "duplicates")}
        if options["json"]:
            told = {"id": str(upload.public_id), "status": upload.status, "error": upload.error, **counts}
            self._json(terminal.as_dict(progress(campaign), upload=told))
        if upload.status == CampaignUpload.Status.FAILED:
            raise CommandError(upload.error)
        if upload.status in OPEN_UPLOADS:
            if not options["no_wait"]:
                raise CommandError(
                    _("The import was broken off: the campaign is %(now)s.")
                    % {"now": campaign.get_status_display()}
                )
            self._say(options, _("The workers import it: look with `status`."))
            return
        line = _(
            "rows: %(rows_read)d, accepted: %(accepted)d, rejected: %(rejected)d, repeated: %(duplicates)d"
        )
        self._say(options, line % counts)
        for line in terminal.rejected_lines(campaign, upload.rejected, upload):
            self._say(options, line)

    def _wait_for(self, campaign: Campaign, upload: CampaignUpload, options: dict[str, Any]) -> None:
        """Until the upload is imported, has failed, or its campaign was cancelled."""
        began, warned = time.monotonic(), False

        def over(now: Progress) -> bool:
            nonlocal warned
            upload.refresh_from_db(fields=["status"])
            idle = upload.status == CampaignUpload.Status.PENDING
            if idle and not warned and time.monotonic() - began > NO_WORKER_AFTER:
                warned = True
                self.stderr.write(_("No worker has begun the import yet: is Celery running? Still waiting."))
            return upload.status not in OPEN_UPLOADS or now.campaign.status != CampaignStatus.IMPORTING

        self._watch(campaign, options, over)

    # -- out ------------------------------------------------------------------------------------

    def _launch(self, options: dict[str, Any]) -> None:
        campaign = terminal.campaign_of(options["campaign"])
        service.launch(campaign, at=terminal.moment(options["at"]) if options["at"] else None)
        self._tell(campaign, options)

    def _pause(self, options: dict[str, Any]) -> None:
        campaign = terminal.campaign_of(options["campaign"])
        self._tell(service.pause(campaign, options["reason"]), options)

    def _resume(self, options: dict[str, Any]) -> None:
        self._tell(service.resume(terminal.campaign_of(options["campaign"])), options)

    def _cancel(self, options: dict[str, Any]) -> None:
        campaign = terminal.campaign_of(options["campaign"])
        waiting = progress(campaign).report.waiting
        self._ask(
            options,
            _("%(name)s: messages that will never leave: %(n)d. This cannot be undone.")
            % {"name": campaign.name, "n": waiting},
        )
        self._tell(service.cancel(campaign, options["reason"]), options)

    def _resend(self, options: dict[str, Any]) -> None:
        campaign = terminal.campaign_of(options["campaign"])
        if found := unconfirmed(campaign).ready:
            self._ask(options, terminal.resend_warning(campaign, found))
        self._tell(campaign, options, queued_again=resend_unconfirmed(campaign))

    def _give_up(self, options: dict[str, Any]) -> None:
        campaign = terminal.campaign_of(options["campaign"])
        if found := unconfirmed(campaign).ready:
            self._ask(options, terminal.give_up_warning(campaign, found))
        self._tell(campaign, options, given_up=give_up_unconfirmed(campaign))

    # -- told -----------------------------------------------------------------------------------

    def _status(self, options: dict[str, Any]) -> None:
        if not options["campaign"]:
            if options["watch"]:
                raise CommandError(_("--watch needs the id of a campaign."))
            self._list(options)
            return
        campaign = terminal.campaign_of(options["campaign"])
        if options["watch"]:
            self._watch(campaign, options, lambda now: now.campaign.status not in MOVING, each=True)
        if not (options["watch"] and options["json"]):
            self._tell(campaign, options)
        if options["watch"] and campaign.status in (CampaignStatus.PAUSED, CampaignStatus.FAILED):
            raise CommandError(_("It stopped: %(reason)s") % {"reason": campaign.status_reason or "-"})

    def _list(self, options: dict[str, Any]) -> None:
        campaigns = list(Campaign.objects.order_by("-pk")[:LISTED])
        if options["json"]:
            self._json([terminal.as_dict(progress(campaign)) for campaign in campaigns])
            return
        counts = counters.read_many([campaign.pk for campaign in campaigns])
        for campaign in campaigns:
            recipients = sum(counts[campaign.pk].get(status, 0) for status in Status)
            self.stdout.write(terminal.one_line(campaign, recipients))
        if not campaigns:
            self.stdout.write(_("There are no campaigns yet: begin with `create`."))

    def _report(self, options: dict[str, Any]) -> None:
        campaign = terminal.campaign_of(options["campaign"])
        now = progress(campaign)
        if options["rejected"]:
            Path(options["rejected"]).write_bytes(exports.rejected_rows(campaign))
        if options["json"]:
            self._json(terminal.as_dict(now))
            return
        for line in terminal.report_lines(now):
            self.stdout.write(line)
        if options["rejected"]:
            told = _("Rejected rows written to %(file)s: %(n)d. Mend them there and import that file.")
            self.stdout.write(told % {"n": now.report.rejected, "file": options["rejected"]})
            return
        for line in terminal.rejected_lines(campaign, now.report.rejected):
            self.stdout.write(line)

    def _tell(self, campaign: Campaign, options: dict[str, Any], **more: int) -> None:
        """Where the campaign stands after what was done."""
        campaign.refresh_from_db()
        if options["json"]:
            self._json(terminal.as_dict(progress(campaign), **more))
            return
        for line in terminal.status_lines(progress(campaign)):
            self.stdout.write(line)

    def _watch(
        self,
        campaign: Campaign,
        options: dict[str, Any],
        over: Callable[[Progress], bool],
        *,
        each: bool = False,
    ) -> None:
        """On a terminal one line that lives, in a log a line a change; with --json an object a change if
        ``each``, else nothing.
        """
        live = self.stdout.isatty() and not options["json"]

        def show(now: Progress, pace: float | None) -> None:
            if options["json"]:
                if each:
                    self._json(terminal.as_dict(now))
                return
            line = terminal.bar(now, pace) if now.total else str(now.campaign.get_status_display())
            if live:
                self.stdout.write(f"\r\x1b[2K{line}", ending="")
            else:
                self.stdout.write(line)
            self.stdout.flush()

        try:
            terminal.Watch(campaign, show, over, options["interval"]).run()
        finally:
            if live:
                self.stdout.write("")

    def _ask(self, options: dict[str, Any], warning: str) -> None:
        """Go on only after a person's yes. Where nobody can be asked, --yes must have been given."""
        if options["yes"]:
            return
        if options["json"] or not sys.stdin.isatty():
            raise CommandError(f"{warning} {_('Add --yes if that is what you want.')}")
        self.stdout.write(warning)
        try:
            answer = input(_("Type yes to go on: "))
        except (EOFError, KeyboardInterrupt):
            answer = ""
        if answer.strip().lower() not in ("yes", _("yes")):
            raise CommandError(_("Nothing was changed."))

    def _say(self, options: dict[str, Any], line: str) -> None:
        if not options["json"]:
            self.stdout.write(line)

    def _json(self, value: Any) -> None:
        self.stdout.write(json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False))


def _by_field(error: ValidationError) -> list[str]:
    return [f"{name}: {' '.join(texts)}" for name, texts in error.message_dict.items()]
