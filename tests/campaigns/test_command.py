"""A person in a terminal: from a sheet to a report without opening a browser."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from django_messagecentral.campaigns import service, terminal
from django_messagecentral.campaigns.imports import run_import
from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.campaigns.progress import Progress, progress
from django_messagecentral.campaigns.report import report
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.campaigns.tasks import import_upload
from django_messagecentral.management.commands import messagecentral_campaign
from django_messagecentral.messaging.models import Message, Rate
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.transitions import move
from django_messagecentral.sandbox import SandboxServer
from tests.campaigns.conftest import CampaignMaker, mobile
from tests.conftest import SheetMaker
from tests.settings import WEBHOOK_TOKEN
from tests.workers import ROOT, Worker, broker_options, real_broker, worker_environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]

TEXT = "Hello ##var##, your balance is ##var2##."


def run(*arguments: Any, **options: Any) -> str:
    """What ``manage.py messagecentral_campaign ...`` prints."""
    out = io.StringIO()
    call_command("messagecentral_campaign", *map(str, arguments), stdout=out, **options)
    return out.getvalue()


def run_json(*arguments: Any) -> Any:
    return json.loads(run(*arguments, "--json"))


def good_rows(count: int) -> list[list[Any]]:
    return [[91, mobile(n), f"N{n}", n + 1, "x"] for n in range(count)]


@pytest.fixture
def workers_elsewhere(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tasks go to workers that this test does not have; the uploads that one was asked to import."""
    asked: list[int] = []
    monkeypatch.setattr(import_upload, "delay", asked.append)
    monkeypatch.setattr(service, "call_pullers", lambda campaign_id: None)
    return asked


@pytest.fixture
def between_looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[int], None]], None]:
    """What happens elsewhere while the command sleeps: ``happens(number of the sleep)``."""

    def set_up(happens: Callable[[int], None]) -> None:
        slept: list[float] = []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            assert len(slept) < 50, "it watches for ever"
            happens(len(slept))

        monkeypatch.setattr(terminal.time, "sleep", sleep)

    return set_up


def unconfirm(campaign: Campaign, count: int) -> None:
    """As if ``count`` drafts had been claimed by workers that died long ago, and the rest had been sent."""
    drafts = list(Message.objects.of_campaign(campaign).order_by("pk").values_list("pk", flat=True))
    for ids, last in ((drafts[:count], Status.UNCONFIRMED), (drafts[count:], Status.SUBMITTED)):
        path = [Status.DRAFT, Status.QUEUED, Status.SENDING, last]
        for old, new in pairwise(path):
            cause = Cause.PLAN if new == Status.QUEUED else Cause.OWNER
            move(Message.objects.filter(pk__in=ids), old, new, cause)
    past = timezone.now() - timedelta(hours=1)
    Message.objects.filter(campaign=campaign).update(claim=uuid.uuid4(), lease_until=past, submitted_at=past)
    Campaign.objects.filter(pk=campaign.pk).update(
        status=CampaignStatus.COMPLETED, launched_at=past, completed_at=past
    )
    campaign.refresh_from_db()


# -- the whole way ------------------------------------------------------------------------------


def test_from_a_sheet_to_a_report(make_sheet: SheetMaker, on_sandbox: SandboxServer, tmp_path: Path) -> None:
    Rate.objects.create(price="0.5")
    sheet = make_sheet([*good_rows(3), [91, "123", "Bad", 1, "x"], [91, mobile(0), "Again", 1, "x"]])
    out = run("create", "Balances", "--text", TEXT, "--file", sheet, "--pace", "500", "--sender-id", "MYBRND")
    campaign = Campaign.objects.get()
    assert out.splitlines()[0] == str(campaign.public_id)
    assert "rows: 5, accepted: 3, rejected: 1, repeated: 1" in out
    assert "row 5: This number has too few digits" in out
    assert "123" not in out  # cells stay out of the terminal and its logs
    assert (campaign.pace, campaign.sender_id) == (500.0, "MYBRND")

    mended = make_sheet([[91, mobile(8), "Mended", 9, "x"]], name="mended.xlsx")
    assert "accepted: 1" in run("import", campaign.public_id, mended)
    run("launch", campaign.public_id)
    assert len(on_sandbox.messages()) == 4

    status = run("status", campaign.public_id)
    assert "completed" in status
    assert "submitted: 4" in status
    told = run("report", campaign.public_id)
    assert "rejected rows: 1" in told
    assert "cost: 2.00 USD, of 2.00 estimated" in told
    assert "row 5: " in told
    path = tmp_path / "rejected.xlsx"
    assert "1" in run("report", campaign.public_id, "--rejected", path)
    rows = list(load_workbook(path).active.iter_rows(values_only=True))
    assert len(rows) == 2
    assert rows[1][1] == "123"


def test_for_scripts_every_action_answers_one_object(
    make_sheet: SheetMaker, on_sandbox: SandboxServer, workers_elsewhere: list[int], tmp_path: Path
) -> None:
    made = run_json("create", "Balances", "--text", TEXT)
    assert (made["name"], made["status"], made["report"]["recipients"]) == ("Balances", "draft", 0)
    name = made["id"]
    begun = run_json("import", name, make_sheet(good_rows(2)), "--no-wait")
    assert (begun["status"], begun["upload"]["status"]) == ("importing", "pending")
    run_import(workers_elsewhere[0])
    assert run_json("status", name)["report"]["counts"]["draft"] == 2
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    assert run_json("launch", name, "--at", tomorrow)["status"] == "scheduled"
    assert run_json("pause", name, "--reason", "not yet")["reason"] == "not yet"
    assert run_json("resume", name)["status"] == "sending"
    assert run_json("cancel", name, "--yes")["status"] == "cancelled"
    assert run_json("report", name, "--rejected", tmp_path / "r.xlsx")["report"]["rejected_rows"] == 0
    assert [item["id"] for item in run_json("status")] == [name]

    second = run_json("create", "Second", "--text", "Hello", "--file", make_sheet(good_rows(4)), "--no-wait")
    run_import(workers_elsewhere[1])
    campaign = Campaign.objects.get(public_id=second["id"])
    unconfirm(campaign, 3)
    again = run_json("resend-unconfirmed", second["id"], "--yes")
    assert (again["queued_again"], again["status"], again["report"]["counts"]["queued"]) == (3, "sending", 3)


def test_numbers_come_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = service.create_campaign("Test", "Hello")
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{mobile(1)}\n+44 7911 123456, {mobile(1)}\n12\n"))
    assert "accepted: 2, rejected: 1, repeated: 1" in run("import", campaign.public_id, "-")
    monkeypatch.setattr(sys, "stdin", io.StringIO("7400 654321"))
    assert "accepted: 1" in run("import", campaign.public_id, "-", "--country", "GB")
    phones = {"+91" + mobile(1), "+447911123456", "+447400654321"}
    assert set(Message.objects.values_list("phone", flat=True)) == phones


# -- ids ----------------------------------------------------------------------------------------


@pytest.mark.db
def test_the_beginning_of_an_id_is_enough_while_it_is_the_only_one() -> None:
    ids = ["abcd1234-0000-4000-8000-000000000001", "abcd1299-0000-4000-8000-000000000002"]
    for number, public_id in enumerate(ids):
        Campaign.objects.create(name=f"Number {number}", text="x", public_id=public_id)
    assert "Number 0" in run("status", ids[0])
    assert "Number 1" in run("status", "ABCD1299")
    assert "Number 1" in run("status", "abcd1299-00")
    with pytest.raises(CommandError, match="Several campaigns") as several:
        run("status", "abcd12")
    assert all(public_id in str(several.value) for public_id in ids)
    for unknown in ("ffff", "abcd1234000040008000000000000009"):
        with pytest.raises(CommandError, match="no campaign with the id"):
            run("status", unknown)
    for nonsense in ("-", "Number", "a%", "abcd_", ids[0] + "0"):
        with pytest.raises(CommandError, match="is no campaign id"):
            run("launch", nonsense)


def test_without_an_id_the_latest_are_listed(make_campaign: CampaignMaker) -> None:
    assert "no campaigns yet" in run("status")
    campaign = make_campaign(3)
    Campaign.objects.create(name="Empty", text="x")
    first, second = run("status").splitlines()
    assert "Empty" in first
    assert re.search(rf"{campaign.public_id}  ready +3 recipients  Test", second)


# -- watching -----------------------------------------------------------------------------------


class Screen(io.StringIO):
    """A terminal."""

    def isatty(self) -> bool:
        return True


def send(campaign: Campaign, count: int) -> None:
    """What a worker elsewhere does."""
    ids = list(
        Message.objects.of_campaign(campaign).filter(status=Status.QUEUED).values_list("pk", flat=True)
    )
    for old, new in ((Status.QUEUED, Status.SENDING), (Status.SENDING, Status.SUBMITTED)):
        move(Message.objects.filter(pk__in=ids[:count]), old, new, Cause.OWNER)


@pytest.fixture
def sending(make_campaign: CampaignMaker, workers_elsewhere: list[int]) -> Campaign:
    campaign = service.launch(make_campaign(8))
    move(Message.objects.of_campaign(campaign), Status.DRAFT, Status.QUEUED, Cause.PLAN)
    return campaign


def test_a_bar_lives_on_one_line_until_all_is_sent(
    sending: Campaign, between_looks: Callable[[Callable[[int], None]], None]
) -> None:
    def happens(number: int) -> None:
        if number <= 4:
            send(sending, 2)
        if number == 5:
            Campaign.objects.update(status=CampaignStatus.COMPLETED, completed_at=timezone.now())

    between_looks(happens)
    screen = Screen()
    call_command("messagecentral_campaign", "status", str(sending.public_id), "--watch", stdout=screen)
    shown = screen.getvalue()
    live, _newline, rest = shown.partition("\n")
    looks = live.split("\r\x1b[2K")[1:]
    assert [re.search(r"(\d+) / 8", look).group(1) for look in looks[:5]] == ["0", "2", "4", "6", "8"]  # type: ignore[union-attr]
    assert "[----------------------------] 0 / 8  0%" in looks[0]
    assert "[##############--------------] 4 / 8  50%" in looks[2]
    assert "completed" in rest
    assert "submitted: 8" in rest


def test_in_a_log_there_is_a_line_a_change_and_none_without(
    sending: Campaign, between_looks: Callable[[Callable[[int], None]], None]
) -> None:
    def happens(number: int) -> None:
        if number in (3, 6):
            send(sending, 4)
        if number == 9:
            Campaign.objects.update(status=CampaignStatus.COMPLETED, completed_at=timezone.now())

    between_looks(happens)
    lines = [line for line in run("status", sending.public_id, "--watch").splitlines() if " / 8" in line]
    assert "\x1b" not in "".join(lines)
    assert [re.search(r"(\d+) / 8", line).group(1) for line in lines][:3] == ["0", "4", "8"]  # type: ignore[union-attr]


def test_a_script_that_watches_gets_an_object_a_change(
    sending: Campaign, between_looks: Callable[[Callable[[int], None]], None]
) -> None:
    def happens(number: int) -> None:
        send(sending, 4)
        if number == 3:
            Campaign.objects.update(status=CampaignStatus.COMPLETED, completed_at=timezone.now())

    between_looks(happens)
    looks = [json.loads(line) for line in run("status", sending.public_id, "--watch", "--json").splitlines()]
    assert [look["report"]["counts"]["submitted"] for look in looks] == [0, 4, 8, 8]
    assert looks[-1]["status"] == "completed"


def test_a_campaign_that_pauses_ends_the_watch_with_its_reason_and_an_error(
    sending: Campaign, between_looks: Callable[[Callable[[int], None]], None]
) -> None:
    between_looks(
        lambda number: service.pause(Campaign.objects.get(), "50 sends in a row failed") and None,
    )
    with pytest.raises(CommandError, match="It stopped: 50 sends in a row failed") as stopped:
        run("status", sending.public_id, "--watch")
    assert stopped.value.returncode == 1


def test_ctrl_c_ends_the_watch_and_not_the_campaign(
    sending: Campaign, between_looks: Callable[[Callable[[int], None]], None]
) -> None:
    def happens(number: int) -> None:
        raise KeyboardInterrupt

    between_looks(happens)
    with pytest.raises(CommandError, match="the workers go on") as stopped:
        run("status", sending.public_id, "--watch")
    assert stopped.value.returncode == 130
    sending.refresh_from_db()
    assert sending.status == CampaignStatus.SENDING


@pytest.mark.db
def test_a_look_costs_the_same_at_any_size(make_campaign: CampaignMaker) -> None:
    costs = []
    for size in (1, 300):
        campaign = make_campaign(size)
        with CaptureQueriesContext(connection) as captured:
            progress(campaign)
        costs.append(len(captured))
        assert not any(re.search(r"FROM .messagecentral_message\b", query["sql"]) for query in captured)
    assert costs[0] == costs[1]


def test_a_bar_never_runs_over_its_end(make_campaign: CampaignMaker) -> None:
    campaign = make_campaign(1)
    now = Progress(campaign, report(campaign), "Reading", 1500, 1000)  # the sheet stated too few rows
    assert terminal.bar(now, 70.4) == f"Reading [{'#' * 28}] 1,500 / 1,000  100%  70/s"
    assert terminal.bar(Progress(campaign, report(campaign), "Reading", 20, 0)).endswith("] 20")


# -- importing ----------------------------------------------------------------------------------


def test_an_import_is_waited_for(
    make_sheet: SheetMaker,
    workers_elsewhere: list[int],
    between_looks: Callable[[Callable[[int], None]], None],
) -> None:
    between_looks(lambda number: run_import(workers_elsewhere[0]) and None if number == 3 else None)
    out = run("create", "Test", "--text", TEXT, "--file", make_sheet(good_rows(5)))
    assert "accepted: 5" in out
    assert Campaign.objects.get().status == CampaignStatus.READY


def test_an_import_that_no_worker_begins_is_remarked_on_once(
    make_sheet: SheetMaker,
    workers_elsewhere: list[int],
    between_looks: Callable[[Callable[[int], None]], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(messagecentral_campaign, "NO_WORKER_AFTER", 0.0)
    between_looks(lambda number: run_import(workers_elsewhere[0]) and None if number == 5 else None)
    errors = io.StringIO()
    out = run("create", "Test", "--text", TEXT, "--file", make_sheet(good_rows(1)), stderr=errors)
    assert errors.getvalue().count("is Celery running?") == 1
    assert "accepted: 1" in out


def test_an_import_that_fails_is_an_error_with_its_reason(
    make_sheet: SheetMaker, workers_elsewhere: list[int], between_looks: Callable[..., None]
) -> None:
    campaign = service.create_campaign("Test", TEXT)

    def happens(number: int) -> None:
        CampaignUpload.objects.update(status=CampaignUpload.Status.FAILED, error="The workbook is damaged.")
        Campaign.objects.update(status=CampaignStatus.FAILED)

    between_looks(happens)
    with pytest.raises(CommandError, match="The workbook is damaged"):
        run("import", campaign.public_id, make_sheet(good_rows(1)))


def test_a_cancel_ends_the_waiting(
    make_sheet: SheetMaker, workers_elsewhere: list[int], between_looks: Callable[..., None]
) -> None:
    campaign = service.create_campaign("Test", TEXT)
    between_looks(lambda number: service.cancel(Campaign.objects.get()))
    with pytest.raises(CommandError, match="broken off: the campaign is cancelled"):
        run("import", campaign.public_id, make_sheet(good_rows(1)))


# -- mistakes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["create", "Test", "--text", "  "], "The text is empty"),
        (["create", "", "--text", "x"], "name: This field cannot be blank"),
        (["create", "Test", "--text", "x", "--sender-id", "S" * 21], "sender_id: .*at most 20 characters"),
        (["create", "Test", "--text", "x", "--template-id", "1707"], "give both or neither"),
        (["create", "Test", "--text", "x", "--pace", "0"], "'0' is no number above 0"),
        (["create", "Test", "--text", "x", "--pace", "nan"], "'nan' is no number above 0"),
        (["create", "Test", "--text", "x", "--channel", "FAX"], "invalid choice: 'FAX'"),
        (["create", "Test", "--text", "x", "--ends-at", "1 May"], "no moment: write it as"),
        (["create", "Test", "--text", "x", "--ends-at", "2020-01-01T10:00"], "has passed"),
        (
            ["create", "Test", "--text", "x", "--file", "/nowhere/list.xlsx"],
            "/nowhere/list.xlsx: No such file",
        ),
        (["create", "Test", "--text-file", "/nowhere/text"], "/nowhere/text: No such file"),
        (["create", "Test"], "one of the arguments --text --text-file is required"),
        (["launch", "not-an-id"], "'not-an-id' is no campaign id"),
        (["status", "--watch"], "--watch needs the id"),
        (["fly"], "invalid choice: 'fly'"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_stored(arguments: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint):
        run(*arguments)
    assert not Campaign.objects.exists()


def test_mistakes_with_a_campaign(make_campaign: CampaignMaker, tmp_path: Path) -> None:
    campaign = make_campaign(1)
    no_sheet = tmp_path / "list.xlsx"
    no_sheet.write_bytes(b"Mobile\n9876543210\n")
    for arguments, complaint in (
        (["import", campaign.public_id, no_sheet], "xlsx"),
        (["import", campaign.public_id, tmp_path], "Is a directory"),
        (["import", campaign.public_id, no_sheet, "--country", "IN"], "--country is for numbers from stdin"),
        (["launch", campaign.public_id, "--at", "tomorrow"], "no moment"),
        (["launch", campaign.public_id, "--at", "2026-02-30T10:00"], "no moment"),
        (["resume", campaign.public_id], "cannot become sending"),
        (["resend-unconfirmed", campaign.public_id, "--yes"], "nothing of it can be sent again"),
        (["report", campaign.public_id, "--rejected", tmp_path / "no" / "r.xlsx"], "No such file"),
    ):
        with pytest.raises(CommandError, match=complaint):
            run(*arguments)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.READY


def test_a_text_file_keeps_its_lines_and_must_be_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes("नमस्ते ##var##\nSTOP to opt out\n".encode("utf-8-sig"))
    run("create", "Test", "--text-file", path)
    assert Campaign.objects.get().text == "नमस्ते ##var##\nSTOP to opt out"
    path.write_bytes(b"caf\xe9")
    with pytest.raises(CommandError, match=r"text\.txt is not in UTF-8"):
        run("create", "Test", "--text-file", path)


def test_a_moment_without_an_offset_is_in_the_sites_zone(make_campaign: CampaignMaker, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    campaign = make_campaign(1)
    out = run("launch", campaign.public_id, "--at", "2099-01-02T10:00")
    campaign.refresh_from_db()
    assert campaign.scheduled_at is not None
    assert campaign.scheduled_at.isoformat() == "2099-01-02T04:30:00+00:00"
    assert "starts at 2099-01-02T10:00+05:30" in out


# -- decisions ----------------------------------------------------------------------------------


class TestUnconfirmed:
    @pytest.fixture
    def campaign(self, make_campaign: CampaignMaker, workers_elsewhere: list[int]) -> Campaign:
        campaign = make_campaign(5)
        unconfirm(campaign, 3)
        return campaign

    def answer(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        class Typist(io.StringIO):
            def isatty(self) -> bool:
                return True

        monkeypatch.setattr(sys, "stdin", Typist(text))

    @pytest.mark.parametrize(
        ("action", "warning", "becomes"),
        [
            ("resend-unconfirmed", "gets it a second time, at your cost", Status.QUEUED),
            ("give-up-unconfirmed", "some of them may have been received", Status.FAILED),
        ],
    )
    def test_a_person_reads_the_warning_and_says_yes(
        self,
        action: str,
        warning: str,
        becomes: Status,
        campaign: Campaign,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        for no in ("no\n", "\n", "", "y\n"):
            self.answer(monkeypatch, no)
            with pytest.raises(CommandError, match="Nothing was changed"):
                run(action, campaign.public_id)
        assert report(campaign).counts[Status.UNCONFIRMED] == 3
        self.answer(monkeypatch, "yes\n")
        assert warning in run(action, campaign.public_id)
        assert report(campaign).counts[becomes] == 3
        assert report(campaign).counts[Status.UNCONFIRMED] == 0

    @pytest.mark.parametrize("action", ["resend-unconfirmed", "give-up-unconfirmed", "cancel"])
    def test_a_script_must_say_yes_beforehand(
        self, action: str, campaign: Campaign, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))  # a pipe, not a person
        with pytest.raises(CommandError, match="Add --yes"):
            run(action, campaign.public_id)
        self.answer(monkeypatch, "yes\n")
        with pytest.raises(CommandError, match="Add --yes"):
            run(action, campaign.public_id, "--json")
        assert report(campaign).counts[Status.UNCONFIRMED] == 3

    def test_without_any_nobody_is_asked(self, make_campaign: CampaignMaker) -> None:
        campaign = make_campaign(2)
        unconfirm(campaign, 0)
        for action in ("resend-unconfirmed", "give-up-unconfirmed"):
            with pytest.raises(CommandError, match="no unconfirmed messages"):
                run(action, campaign.public_id)


# -- real processes -----------------------------------------------------------------------------


@pytest.fixture
def manage(tmp_path: Path, settings: Any) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """``manage.py messagecentral_campaign`` as a process of its own, on this test's database and broker."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(tmp_path / "cache"),
        }
    }
    options = broker_options(tmp_path)
    environment = worker_environment(tmp_path, options)

    def run_process(*arguments: Any, **changed: str) -> subprocess.CompletedProcess[str]:
        program = "import tests.celery_app; from django.core.management import execute_from_command_line as e"
        command = [sys.executable, "-c", f"{program}; import sys; e(['manage.py', *sys.argv[1:]])"]
        command += ["messagecentral_campaign", *map(str, arguments)]
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment | changed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    run_process.options = options  # type: ignore[attr-defined]
    yield run_process
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)


@pytest.mark.broker
def test_a_terminal_a_worker_and_a_broker(
    on_sandbox: SandboxServer,
    manage: Callable[..., subprocess.CompletedProcess[str]],
    make_sheet: SheetMaker,
    live_server: Any,
    tmp_path: Path,
) -> None:
    on_sandbox.configure(
        callback_url=live_server.url + reverse("messagecentral:webhook", args=[WEBHOOK_TOKEN])
    )
    options = manage.options  # type: ignore[attr-defined]
    with real_broker(options):
        worker = Worker(tmp_path, options)
        try:
            made = manage("create", "Balances", "--text", TEXT, "--file", make_sheet(good_rows(40)))
            assert made.returncode == 0, made.stderr
            public_id = made.stdout.splitlines()[0]
            assert "accepted: 40" in made.stdout
            launched = manage("launch", public_id[:13], "--json")
            assert launched.returncode == 0, launched.stderr
            assert json.loads(launched.stdout)["status"] == "sending"
            watched = manage("status", public_id, "--watch", "--interval", "0.2")
            assert watched.returncode == 0, watched.stderr
            assert "completed" in watched.stdout
        finally:
            worker.terminate()
    assert Counter(message["mobile"] for message in on_sandbox.messages()) == {
        "91" + mobile(n): 1 for n in range(40)
    }


def test_an_error_is_one_line_and_exit_code_1(
    manage: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    answer = manage("launch", "abcd")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.endswith("\nCommandError: There is no campaign with the id abcd.\n")
    empty = str(tmp_path / "nowhere") if connection.vendor == "sqlite" else "messagecentral_nowhere"
    nowhere = manage("launch", "abcd", MESSAGECENTRAL_WORKER_DATABASE=json.dumps({"NAME": empty}))
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert "CommandError: The database: " in nowhere.stderr
    assert "Traceback" not in answer.stderr + nowhere.stderr
