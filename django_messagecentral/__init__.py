"""Phone verification, messages and spreadsheet campaigns for Django, through Message Central.

The names a site calls every day are importable from here and loaded on first use, so that
``import django_messagecentral`` (and the Django-free ``django_messagecentral.client``) stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_LAZY = {
    "MessageCentralClient": "django_messagecentral.client",
    "MessageCentralError": "django_messagecentral.exceptions",
    "start_verification": "django_messagecentral.verification.service",
    "check_verification": "django_messagecentral.verification.service",
    "send_message": "django_messagecentral.messaging.service",
    "create_campaign": "django_messagecentral.campaigns.service",
    "launch": "django_messagecentral.campaigns.service",
}

__all__ = [*_LAZY, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
