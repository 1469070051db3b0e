"""How a check says what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.core import checks
from django.core.checks import CheckMessage

from django_messagecentral.conf import SETTINGS_NAME, Settings

Check = Callable[[Settings], Iterable[CheckMessage]]


def error(number: int, text: str, hint: str) -> CheckMessage:
    return checks.Error(text, hint=hint, id=f"messagecentral.E{number:03}")


def warning(number: int, text: str, hint: str) -> CheckMessage:
    return checks.Warning(text, hint=hint, id=f"messagecentral.W{number:03}")


def setting(name: str) -> str:
    """How a setting is called in messages: MESSAGECENTRAL["NAME"]."""
    return f'{SETTINGS_NAME}["{name}"]'
