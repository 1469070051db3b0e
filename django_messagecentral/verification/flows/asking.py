"""From what a door was given to one :class:`Ask`: the phone, the subject, the allowance."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest

from django_messagecentral.phones import Phone
from django_messagecentral.verification.email import EMAIL, email_for, usable_channels
from django_messagecentral.verification.guards import Ask
from django_messagecentral.verification.guards.addresses import client_ip
from django_messagecentral.verification.models import Verification
from django_messagecentral.verification.subjects import is_user

_PURPOSE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,39}")


def checked_purpose(purpose: str) -> str:
    """``purpose`` as it is; raises ``ValueError`` unless it is a slug of at most 40 characters."""
    if not _PURPOSE.fullmatch(purpose):
        raise ValueError("a purpose is 1 to 40 characters of a-z, 0-9 and _ . : -")
    return purpose


def allowance_of(phone: str, subject: str) -> str:
    """The subject itself if it has verified this phone before: strangers cannot spend its allowance."""
    known = Verification.objects.filter(phone=phone, subject=subject).verified().exists()
    return subject if known else ""


def build_ask(
    phone: Phone,
    *,
    purpose: str,
    subject: str,
    channel: str | None,
    user: Any = None,
    request: HttpRequest | None = None,
    ip: str = "",
) -> Ask:
    return Ask(
        phone=phone,
        purpose=checked_purpose(purpose),
        subject=subject,
        channel=(channel or next(iter(usable_channels(user, purpose)), EMAIL)).upper(),
        allowance=allowance_of(phone.e164, subject),
        user_id=str(user.pk) if is_user(user) else "",
        ip=ip or client_ip(request),
        email=email_for(user, purpose),
    )
