"""Is this visitor's phone verified for a purpose, lately enough? One answer for every kind of gate."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from django_messagecentral.conf import app_settings
from django_messagecentral.verification.flows.asking import checked_purpose
from django_messagecentral.verification.models import Verification
from django_messagecentral.verification.states import Proves, VerificationStatus
from django_messagecentral.verification.subjects import is_user, session_subject, token_subject, user_subject

_STEP_UP = "_messagecentral_step_up"


def is_verified(
    request: HttpRequest, *, purpose: str, max_age: float, phone: str = "", token: str = ""
) -> bool:
    """Whether the visitor verified a phone (``phone``, E.164, if given) for ``purpose`` in the last
    ``max_age`` seconds. ``token`` is that of a client without cookies.

    A logged-in user counts as that user only: what a session did before login may be somebody else's.
    """
    user = getattr(request, "user", None)
    session = getattr(request, "session", None)
    if is_user(user):
        subject = user_subject(user)
    elif token:
        subject = token_subject(token)
    else:
        subject = session_subject(session, create=False) if session is not None else ""
    if not subject:
        return False
    rows = Verification.objects.of_subjects(frozenset({subject}))
    since = timezone.now() - timedelta(seconds=max_age)
    rows = rows.filter(
        status=VerificationStatus.VERIFIED, purpose=checked_purpose(purpose), verified_at__gte=since
    )
    if phone or purpose not in app_settings.OTP_EMAIL_PURPOSES:
        rows = rows.filter(proves=Proves.PHONE)
    return rows.filter(phone=phone).exists() if phone else rows.exists()


def step_up_url(request: HttpRequest, *, purpose: str, phone: str = "") -> str:
    """The page that verifies and comes back here. ``phone`` is kept in the session, never in the URL."""
    kept: dict[str, str] = dict(request.session.get(_STEP_UP, {}))
    kept.pop(purpose, None)
    request.session[_STEP_UP] = kept | ({purpose: phone} if phone else {})
    return (
        f"{reverse('messagecentral:verify')}?{urlencode({'purpose': purpose, 'next': return_path(request)})}"
    )


def return_path(request: HttpRequest) -> str:
    """Where to go on after a step-up: this page, or for a form's POST the page it was on."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    return safe_next(request, request.headers.get("Referer", "")) or request.path


def required_phone(request: HttpRequest, purpose: str) -> str:
    """The phone a gate asked for (E.164); empty when the visitor may choose."""
    kept: dict[str, Any] = request.session.get(_STEP_UP, {})
    return str(kept.get(purpose, ""))


def safe_next(request: HttpRequest, url: str) -> str:
    """``url`` if it leads nowhere but to this site; empty otherwise."""
    fine = url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return url if fine else ""
