"""A site's own tests ask for a sandbox by name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SITE_TEST = """
import pytest
import urllib.request

@pytest.mark.messagecentral_sandbox(seed=3, otp_timeout=5)
def test_settings(messagecentral_sandbox):
    assert messagecentral_sandbox.state.config.otp_timeout == 5
    with urllib.request.urlopen(messagecentral_sandbox.url + "/_sandbox/stats") as answer:
        assert answer.status == 200

def test_each_has_its_own(messagecentral_sandbox):
    assert messagecentral_sandbox.messages() == []
    with pytest.raises(TimeoutError):
        messagecentral_sandbox.wait_for_message("919876543210", timeout=0.05)
"""


def test_the_fixture_works_in_a_site_without_django(tmp_path: Path) -> None:
    (tmp_path / "test_site.py").write_text(SITE_TEST)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-W", "error",
         "-p", "django_messagecentral.sandbox.pytest_plugin", str(tmp_path)],
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
