"""Message Central in a box: the vendor's whole API on one's own machine, with an inbox of the phones.

Alone (``python -m django_messagecentral.sandbox``), beside tests (``SandboxServer`` or the pytest fixture
``messagecentral_sandbox``) or inside a Django project (INSTALLED_APPS and ``sandbox.urls``).
It shares no code with the rest of the package: the two sides of the wire check each other.
"""

from __future__ import annotations

from .config import DEFAULT_ACCOUNT, DEFAULT_PASSWORD, Config, ConfigError
from .core import Sandbox
from .server import SandboxServer

__all__ = ["DEFAULT_ACCOUNT", "DEFAULT_PASSWORD", "Config", "ConfigError", "Sandbox", "SandboxServer"]
