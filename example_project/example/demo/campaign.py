"""The demo's campaign: import, launch, a broker emptied on the way, delivery, report."""

import time
from dataclasses import dataclass
from pathlib import Path

import requests
from django.conf import settings

from django_messagecentral.campaigns.models import Campaign, RejectedRow
from django_messagecentral.campaigns.progress import progress
from django_messagecentral.campaigns.report import CampaignReport, report
from django_messagecentral.campaigns.service import create_campaign, launch
from django_messagecentral.campaigns.states import CampaignStatus
from example.celery import app as celery_app
from example.demo.processes import DemoError, Processes
from example.demo.screen import Bound, Screen
from example.demo.sheet import Sheet, write_sheet

TEXT = "Hello ##var##, your balance is ##var2## on date ##var3##."
LAST_REPORTS_SECONDS = 60.0  # how long the last delivery reports are waited for
PURGE_SECONDS = 10.0
# A carrier as they are: some phones are off, some reports come twice, early or in the wrong order.
CARRIER = {
    "latency": {"lognormal": [0.03, 0.5]},
    "delivery": {"UNDELIV": 0.03, "EXPIRED": 0.02, "REJECTD": 0.01, "UNKNOWN": 0.01},
    "callback_flaws": {"twice": 0.05, "out_of_order": 0.05, "early": 0.05},
}


@dataclass(frozen=True)
class Result:
    sheet: Sheet
    report: CampaignReport
    purged: int
    received_by_sandbox: int


def run(home: Path, rows: int, screen: Screen, processes: Processes) -> Result:
    sheet = write_sheet(home / "customers.xlsx", rows)
    campaign = _import(sheet, screen, processes)
    screen.heading(f"Launching: {TEXT}")
    requests.post(f"{settings.SANDBOX_URL}/_sandbox/config", json=CARRIER, timeout=10).raise_for_status()
    before = _texts_received()
    launch(campaign)
    purged = _send(campaign, screen, processes)
    _wait_for_reports(campaign, screen, processes)
    return Result(sheet, report(campaign), purged, _texts_received() - before)


def _import(sheet: Sheet, screen: Screen, processes: Processes) -> Campaign:
    screen.heading(f"Importing {sheet.path.name}: {sheet.rows:,} rows")
    campaign = create_campaign("Balances", TEXT, file=sheet.path)
    bound = Bound(60 + sheet.rows / 500)
    while campaign.status == CampaignStatus.IMPORTING:
        now = progress(campaign)
        screen.bar(max(0, now.done - 1), sheet.rows)
        _pause(bound, processes, "the import did not end")
        campaign.refresh_from_db()
    screen.bar(sheet.rows, sheet.rows)
    screen.end_bar()
    if campaign.status != CampaignStatus.READY:
        raise DemoError(f"The import failed: {campaign.status_reason}")
    for row in RejectedRow.objects.filter(upload__campaign=campaign):
        screen.line(f"row {row.row_number:>4}  {row.reason}")
    return campaign


def _send(campaign: Campaign, screen: Screen, processes: Processes) -> int:
    """Watch the campaign until nothing waits; empty the broker once when a third has left."""
    total = report(campaign).recipients
    purged, emptied = 0, False
    bound = Bound(120 + total / 10)
    while campaign.status in (CampaignStatus.SENDING, CampaignStatus.PAUSED):
        now = report(campaign)
        screen.bar(now.done, total, "sent")
        if not emptied and now.done >= total / 3:
            purged, emptied = _empty_broker(), True
            screen.end_bar()
            screen.line(
                f"(emptied the broker's queue: {purged} task(s) lost; the sweep goes on from the database)"
            )
        if campaign.status == CampaignStatus.PAUSED:
            raise DemoError(f"The campaign was paused: {campaign.status_reason}")
        _pause(bound, processes, "the campaign did not end")
        campaign.refresh_from_db()
    screen.bar(report(campaign).done, total, "sent")
    screen.end_bar()
    return purged


def _empty_broker() -> int:
    """Purge until a task was really lost, or there was none to lose for a while."""
    bound = Bound(PURGE_SECONDS)
    while not bound.is_over:
        if lost := celery_app.control.purge():
            return int(lost)
        time.sleep(0.02)
    return 0


def _wait_for_reports(campaign: Campaign, screen: Screen, processes: Processes) -> None:
    screen.heading(f"Waiting for the last delivery reports, at most {LAST_REPORTS_SECONDS:.0f} s")
    bound = Bound(LAST_REPORTS_SECONDS)
    now = report(campaign)
    while now.unsettled and not bound.is_over:
        screen.bar(now.settled, now.settled + now.unsettled, "reported")
        time.sleep(0.2)
        processes.check()
        now = report(campaign)
    screen.bar(now.settled, now.settled + now.unsettled, "reported")
    screen.end_bar()


def _pause(bound: Bound, processes: Processes, complaint: str) -> None:
    processes.check()
    if bound.is_over:
        raise DemoError(f"{complaint} within {bound.seconds:.0f} s".capitalize())
    time.sleep(0.1)


def _texts_received() -> int:
    """The sandbox's own count of texts that its phones received."""
    stats = requests.get(f"{settings.SANDBOX_URL}/_sandbox/stats", timeout=10).json()
    return int(stats["texts_received"])
