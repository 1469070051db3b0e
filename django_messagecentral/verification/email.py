"""Codes by e-mail, the last resort: they prove an e-mail address and never a phone.

Only for a purpose listed in OTP_EMAIL_PURPOSES, and only to the address that the function OTP_EMAIL_OF knows
to be the user's verified one.
"""

from __future__ import annotations

import smtplib
from typing import Any

from django.core.mail import send_mail
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from django_messagecentral.client import SendResult
from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import ConnectionNotMade
from django_messagecentral.verification.subjects import is_user

EMAIL = "EMAIL"


def email_for(user: Any, purpose: str) -> str:
    """The address a code for ``purpose`` may go to; empty when none may."""
    if not is_user(user) or purpose not in app_settings.OTP_EMAIL_PURPOSES or not app_settings.OTP_EMAIL_OF:
        return ""
    return str(import_string(app_settings.OTP_EMAIL_OF)(user) or "")


def usable_channels(user: Any, purpose: str) -> list[str]:
    """OTP_CHANNELS in order, e-mail only where it may be used."""
    channels = [channel.upper() for channel in app_settings.OTP_CHANNELS]
    return [channel for channel in channels if channel != EMAIL or email_for(user, purpose)]


def send_code_by_email(address: str, text: str, locale: str) -> SendResult:
    """Send by Django's own e-mail. Raises ``ConnectionNotMade`` when the mail server did not take it."""
    with translation.override(locale or translation.get_language()):
        subject = _("Your verification code")
    try:
        send_mail(subject, text, None, [address])
    except (smtplib.SMTPException, OSError) as error:
        raise ConnectionNotMade("the mail server did not take the message") from error
    return SendResult()
