"""Who calls: a user, a browser's session, or a client without cookies.

A browser is anything that sends a session or CSRF cookie, or one of the headers only browsers send. It is
known by its session, and its calls must carry the CSRF token, logged in or not. Everything else is known by
the token that start answered to it, which no other site's page can make a browser send.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from django_messagecentral.verification.subjects import TOKEN_HEADER, is_user

_BROWSER_HEADERS = ("Origin", "Sec-Fetch-Site", "Referer")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


def is_browser(request: Request) -> bool:
    """Whether ambient authority (cookies) may be at play."""
    if getattr(request, "session", None) is None:
        return False
    if settings.SESSION_COOKIE_NAME in request.COOKIES or settings.CSRF_COOKIE_NAME in request.COOKIES:
        return True
    if request.headers.get("Origin") in settings.CSRF_TRUSTED_ORIGINS:
        return False  # a page of the site's own on another host, which sends no cookies: it goes by its token
    return any(name in request.headers for name in _BROWSER_HEADERS)


def enforce_csrf(request: Request) -> None:
    """Raise ``PermissionDenied`` for a session-bound unsafe call without its CSRF token.

    DRF's SessionAuthentication does so for logged-in sessions only.
    """
    by_header = is_user(request.user) and not isinstance(
        request.successful_authenticator, (SessionAuthentication, type(None))
    )
    if request.method not in _SAFE_METHODS and not by_header and is_browser(request):
        SessionAuthentication().enforce_csrf(request)


def starter_of(request: Request) -> dict[str, Any]:
    """To whom a new verification belongs, as the service's arguments."""
    if is_user(request.user):
        return {"user": request.user}
    return {"session": request.session} if is_browser(request) else {}


def caller_of(request: Request) -> dict[str, Any]:
    """Who asks for one that exists, as the service's arguments."""
    who: dict[str, Any] = {"token": request.headers.get(TOKEN_HEADER, "")}
    if is_user(request.user):
        who["user"] = request.user
    if is_browser(request):
        who["session"] = request.session
    return who
