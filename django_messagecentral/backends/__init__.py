"""How a message or an OTP leaves the site: one backend a process, chosen by a dotted path in the settings."""

from __future__ import annotations

import os
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_messagecentral.backends.base import BaseBackend, OutgoingMessage
from django_messagecentral.conf import SETTINGS_NAME, app_settings

__all__ = ["BaseBackend", "OutgoingMessage", "get_backend"]

_instances: dict[tuple[int, str], BaseBackend] = {}
_READ_BY_BACKENDS: Final = {SETTINGS_NAME, "CACHES", "SECRET_KEY"}


def get_backend(path: str | None = None) -> BaseBackend:
    """This process's backend of the dotted ``path``, by default the one of the settings.

    A forked process gets one of its own, and so does a test that has changed the settings. Raises
    ImproperlyConfigured when ``path`` leads to no backend.
    """
    path = path or app_settings.BACKEND
    key = (os.getpid(), path)
    backend = _instances.get(key)
    # setdefault is atomic: of threads that come at once, all get the same one
    return backend or _instances.setdefault(key, load_backend_class(path)())


def load_backend_class(path: str) -> type[BaseBackend]:
    """Raises ImproperlyConfigured, with the reason, when ``path`` leads to no :class:`BaseBackend`."""
    try:
        found = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"the backend {path!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, BaseBackend)):
        raise ImproperlyConfigured(f"the backend {path!r} is not a subclass of BaseBackend")
    return found


def _forget(*, setting: str, **_: Any) -> None:
    if setting in _READ_BY_BACKENDS:
        for key in list(_instances):
            backend = _instances.pop(key, None)
            if backend is not None and key[0] == os.getpid():
                backend.close()


setting_changed.connect(_forget, dispatch_uid="django_messagecentral.backends")
