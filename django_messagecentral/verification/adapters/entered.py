"""Hears from other packages that a code of theirs was right, where they are installed."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.utils.module_loading import import_string


def two_factor_verified(device: Any, **_: Any) -> None:
    """django-two-factor-auth's ``user_verified``."""
    from django_messagecentral.verification.adapters.foreign import foreign_code_entered
    from django_messagecentral.verification.adapters.two_factor import PURPOSE

    if getattr(device, "number", None) and getattr(device, "method", "") == "sms":
        foreign_code_entered(device.number, purpose=PURPOSE)


def allauth_verified(method: str, phone: str = "", **_: Any) -> None:
    """allauth's ``authentication_step_completed``: a login by code (a sign-up comes through the adapter)."""
    from django_messagecentral.verification.adapters.foreign import PURPOSE_ALLAUTH, foreign_code_entered

    if method == "code" and phone:
        foreign_code_entered(phone, purpose=PURPOSE_ALLAUTH)


_SIGNALS = (
    ("two_factor", "two_factor.signals.user_verified", two_factor_verified),
    ("allauth.account", "allauth.account.signals.authentication_step_completed", allauth_verified),
)


def connect() -> None:
    for app, signal, receiver in _SIGNALS:
        if apps.is_installed(app):
            import_string(signal).connect(receiver, dispatch_uid=f"django_messagecentral.{receiver.__name__}")
