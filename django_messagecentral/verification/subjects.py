"""To whom a verification belongs.

A subject is a short text: ``u:<user id>``, ``s:<hash of the session's nonce>`` or ``t:<hash of a token>``.
The nonce is random and kept *in* the session: the session key changes at login, the nonce does not.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

from django.http import HttpRequest

SESSION_NONCE = "_messagecentral_nonce"
TOKEN_HEADER = "X-Verification-Token"  # noqa: S105


def user_subject(user: Any) -> str:
    return f"u:{user.pk}"


def token_subject(token: str) -> str:
    return "t:" + hashlib.sha256(token.encode()).hexdigest()


def session_subject(session: Any, *, create: bool = True) -> str:
    """The subject of a session (or of a nonce the site keeps itself, given as text).

    Empty when the session has no nonce yet and ``create`` is False.
    """
    if isinstance(session, str):
        return "s:" + hashlib.sha256(session.encode()).hexdigest()
    nonce = session.get(SESSION_NONCE)
    if not nonce:
        if not create:
            return ""
        nonce = session[SESSION_NONCE] = secrets.token_urlsafe(24)
    return "s:" + hashlib.sha256(nonce.encode()).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(32)


def is_user(user: Any) -> bool:
    return user is not None and bool(getattr(user, "is_authenticated", False))


def subject_to_start(
    *, user: Any = None, session: Any = None, subject: str = "", request: HttpRequest | None = None
) -> tuple[str, str]:
    """``(subject, token)`` for a new verification; ``token`` is empty unless one had to be made."""
    if subject:
        return subject, ""
    who = user if user is not None else getattr(request, "user", None)
    if is_user(who):
        return user_subject(who), ""
    kept = session if session is not None else getattr(request, "session", None)
    if kept is not None:
        return session_subject(kept), ""
    token = new_token()
    return token_subject(token), token


def subjects_of(
    *,
    user: Any = None,
    session: Any = None,
    subject: str = "",
    token: str = "",
    request: HttpRequest | None = None,
) -> frozenset[str] | None:
    """Every subject the caller can speak for: empty if none of what was given is one, None if nothing was."""
    if user is None and session is None and request is None and not subject and not token:
        return None
    found = {subject} if subject else set()
    who = user if user is not None else getattr(request, "user", None)
    if is_user(who):
        found.add(user_subject(who))
    kept = session if session is not None else getattr(request, "session", None)
    if kept is not None:
        found.add(session_subject(kept, create=False))
    header = token or (request.headers.get(TOKEN_HEADER, "") if request is not None else "")
    if header:
        found.add(token_subject(header))
    return frozenset(found - {""})
