"""Login by phone needs a user model of its own, so its cases run in a process of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_cases_of_the_login_site_pass() -> None:
    command = [
        sys.executable, "-m", "pytest", "tests/verification/login_site/cases.py", "-q", "--no-migrations",
        "--ds=tests.verification.login_site.settings", "-p", "no:cacheprovider",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
