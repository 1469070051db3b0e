"""How a message or an OTP leaves the site; chosen by ``MESSAGECENTRAL["BACKEND"]``, a dotted path."""

from __future__ import annotations

import os
import threading
from typing import Any

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_messagecentral.backends.base import BaseBackend, OutgoingMessage
from django_messagecentral.conf import SETTINGS_NAME, app_settings

__all__ = ["BaseBackend", "OutgoingMessage", "get_backend"]

_instances: dict[tuple[int, str], BaseBackend] = {}
_lock = threading.Lock()


def get_backend(path: str | None = None) -> BaseBackend:
    """This process's backend by dotted ``path`` (the site's own by default), made at first use after a fork."""
    key = (os.getpid(), path or app_settings.BACKEND)
    with _lock:
        if key not in _instances:
            _instances[key] = import_string(key[1])()
        return _instances[key]


def _forget(*, setting: str, **_: Any) -> None:
    if setting == SETTINGS_NAME:
        with _lock:
            _instances.clear()


setting_changed.connect(_forget, dispatch_uid="django_messagecentral.backends")
