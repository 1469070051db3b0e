"""System checks: a wrong setting fails at start, with the mend in its hint.

``messagecentral.E...`` stop the site, ``messagecentral.W...`` do not. Values of secrets never appear in a
message. A setting whose value cannot be used is reported once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, register

from django_messagecentral.checks import (
    account,
    campaigns,
    deployment,
    doors,
    outgoing,
    sending,
    shape,
    verification,
    webhooks,
)
from django_messagecentral.checks.base import Check, setting
from django_messagecentral.conf import Settings

TAG: Final = "messagecentral"
CHECKS: Final[tuple[Check, ...]] = (
    *account.CHECKS,
    *sending.CHECKS,
    *verification.CHECKS,
    *campaigns.CHECKS,
    *webhooks.CHECKS,
    *doors.CHECKS,
    *outgoing.CHECKS,
    *deployment.CHECKS,
)


@register(TAG)
def check_settings(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Everything about the ``MESSAGECENTRAL`` dict and what it relies on elsewhere in the settings."""
    settings, messages, faulty = shape.check()
    return messages + _run(CHECKS, settings, faulty)


@register(TAG, Tags.security, deploy=True)
def check_deployment(app_configs: Sequence[AppConfig] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """What is fine while developing but not in production (``manage.py check --deploy``)."""
    settings, _, faulty = shape.check()
    return _run(deployment.DEPLOY_CHECKS, settings, faulty)


def _run(checks: Sequence[Check], settings: Settings, faulty: Sequence[str]) -> list[CheckMessage]:
    """Leaves out what concerns a setting of the names ``faulty``: one mistake, one message."""
    names = [setting(name) for name in faulty]
    messages = [message for check in checks for message in check(settings)]
    return [each for each in messages if not any(name in f"{each.msg} {each.hint}" for name in names)]
