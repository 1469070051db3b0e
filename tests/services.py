"""What of the machine some tests need, and what of it is missing, by marker."""

from __future__ import annotations

import functools
import os
import shutil

from tests import own_broker, own_servers

DATABASE = os.environ.get("MESSAGECENTRAL_TEST_DATABASE", "sqlite")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""


@functools.cache
def missing() -> dict[str, str]:
    """Marker -> what is missing and how to get it. Empty where everything is there."""
    found: dict[str, str] = {}
    if not CHROMIUM:
        found["browser"] = "There is no Chromium: install your system's chromium package."
    if programs := own_servers.missing_programs():
        found["own_server"] = (
            f"There is no {' and no '.join(programs)}: install the database server's own package."
        )
    if program := own_broker.missing_program():
        found["own_broker"] = f"There is no {program}: install the broker's own package."
    return found
