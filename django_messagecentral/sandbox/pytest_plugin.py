"""The pytest fixture ``messagecentral_sandbox``: a sandbox of its own for each test that asks for one.

::

    @pytest.mark.messagecentral_sandbox(seed=7, otp_timeout=5)
    def test_login(messagecentral_sandbox):
        requests.post(messagecentral_sandbox.url + "/verification/v3/send", ...)
        text = messagecentral_sandbox.wait_for_message("919876543210")
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .server import SandboxServer


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, so that --strict-markers is content."""
    config.addinivalue_line(
        "markers", "messagecentral_sandbox(**settings): settings of the messagecentral_sandbox fixture"
    )


@pytest.fixture
def messagecentral_sandbox(request: pytest.FixtureRequest) -> Iterator[SandboxServer]:
    """A running SandboxServer on a free port; settings come from the marker of the same name."""
    from .server import SandboxServer

    marker = request.node.get_closest_marker("messagecentral_sandbox")
    with SandboxServer(**(marker.kwargs if marker else {})) as server:
        yield server
