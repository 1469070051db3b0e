"""The client is usable from a plain script: nothing of Django is even imported."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module",
    ["client", "exceptions", "phones", "countries", "testing.plugin"],
)
def test_django_is_not_imported(module: str) -> None:
    code = (
        f"import sys, django_messagecentral.{module}\n"
        "found = [name for name in sys.modules if name.split('.')[0] in ('django', 'celery')]\n"
        "sys.exit(' '.join(found) or 0)"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_package_offers_the_client_by_its_short_name() -> None:
    import django_messagecentral
    from django_messagecentral.client import MessageCentralClient

    assert django_messagecentral.MessageCentralClient is MessageCentralClient
