"""What every test shares: sheets made on the spot, and a loud word about what could not run here."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import Workbook

from django_messagecentral.sandbox import SandboxServer
from tests import services
from tests.celery_app import app as celery_app

if TYPE_CHECKING:
    from tests.house import House

VENDOR_HEADER = ("Country", "Mobile", "var1", "var2", "var3")

SheetMaker = Callable[..., Path]
assert celery_app.conf.task_always_eager


@pytest.fixture
def make_sheet(tmp_path: Path) -> SheetMaker:
    """``make_sheet(rows, header=...)`` writes an .xlsx and answers its path."""

    def make(
        rows: Iterable[Sequence[Any]], header: Sequence[Any] | None = VENDOR_HEADER, name: str = "list.xlsx"
    ) -> Path:
        book = Workbook(write_only=True)
        sheet = book.create_sheet("Sheet1")
        for row in [*([list(header)] if header else []), *rows]:
            sheet.append(list(row))
        path = tmp_path / name
        book.save(path)
        return path

    return make


@pytest.fixture
def on_sandbox(messagecentral_sandbox: SandboxServer, settings: Any) -> SandboxServer:
    """The site talks to a sandbox of its own over HTTP, through the real backend, and as fast as it can."""
    settings.MESSAGECENTRAL = {
        **settings.MESSAGECENTRAL,
        "BASE_URL": messagecentral_sandbox.url,
        "BACKEND": "django_messagecentral.backends.messagecentral.MessageCentralBackend",
        "PACE_PER_SECOND": 5000.0,
        "READ_TIMEOUT": 5.0,
    }
    return messagecentral_sandbox


@pytest.fixture
def house(
    tmp_path: Path,
    on_sandbox: SandboxServer,
    live_server: Any,
    settings: Any,
    make_sheet: SheetMaker,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[House]:
    """A whole site with a real broker; the sandbox reports to it."""
    from tests import house

    house.patch_longest_call(monkeypatch)
    with house.House(tmp_path, on_sandbox, settings, make_sheet, live_server.url) as site:
        yield site


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test that needs what this machine lacks fails in CI; elsewhere it is left out and named."""
    if services.DATABASE == "sqlite":  # such tests belong to the PostgreSQL and MariaDB runs
        apart = [item for item in items if item.get_closest_marker("server_database")]
        items[:] = [item for item in items if item not in apart]
        config.hook.pytest_deselected(items=apart)
    for item in items:
        for marker, missing in services.missing().items():
            if item.get_closest_marker(marker):
                if os.environ.get("CI"):
                    item.add_marker(pytest.mark.usefixtures("fail_for_missing_service"))
                else:
                    item.add_marker(pytest.mark.skip(reason=missing))


@pytest.fixture
def fail_for_missing_service() -> None:
    pytest.fail("; ".join(services.missing().values()))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for marker, missing in services.missing().items():
        terminalreporter.write_sep("!", f"tests marked {marker!r} DID NOT RUN", red=True, bold=True)
        terminalreporter.write_line(missing)
