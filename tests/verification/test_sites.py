"""Login by phone and the adapters need user models of their own: their cases run in processes of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str) -> str:
    """Its output; fails with it when the command does."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.parametrize("site", ["login_site", "forms_site", "adapters_site"])
def test_the_cases_of_the_site_pass(site: str) -> None:
    cases = f"tests/verification/{site}/cases.py"
    settings = f"--ds=tests.verification.{site}.settings"
    assert " passed" in run("pytest", cases, settings, "--no-migrations", "-q", "-p", "no:cacheprovider")


def test_the_otp_devices_migrations_are_complete() -> None:
    settings = "--settings=tests.verification.adapters_site.settings"
    run("django", "makemigrations", "messagecentral_otp", "--check", "--dry-run", settings)
