"""Message Central in a box: the vendor's whole API on one's own machine, with an inbox of the phones.

Alone (``python -m django_messagecentral.sandbox``), beside tests (``SandboxServer`` or the pytest fixture
``messagecentral_sandbox``) or inside a Django project (INSTALLED_APPS and ``sandbox.urls``).
It shares no code with the rest of the package: the two sides of the wire check each other.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .config import DEFAULT_ACCOUNT, DEFAULT_PASSWORD, Config, ConfigError
    from .core import Sandbox
    from .server import SandboxServer

_HOMES = {
    "DEFAULT_ACCOUNT": ".config",
    "DEFAULT_PASSWORD": ".config",
    "Config": ".config",
    "ConfigError": ".config",
    "Sandbox": ".core",
    "SandboxServer": ".server",
}

__all__ = ["DEFAULT_ACCOUNT", "DEFAULT_PASSWORD", "Config", "ConfigError", "Sandbox", "SandboxServer"]


def __getattr__(name: str) -> Any:
    # Loaded on first use: pytest loads this package in every run, for its plugin.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)
