"""The gate as a decorator."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseRedirect

from django_messagecentral.verification.flows.asking import checked_purpose
from django_messagecentral.verification.gates import is_verified, step_up_url

View = Callable[..., Any]
PhoneOf = Callable[[HttpRequest], str]


def phone_verification_required(
    *, purpose: str, max_age: float, phone: PhoneOf | None = None
) -> Callable[[View], View]:
    """Let a request in whose visitor verified a phone for ``purpose`` in the last ``max_age`` seconds.

    Anyone else is led to the verification page and back. ``phone(request)`` names the one number (E.164)
    that counts, for instance the user's own: without it any phone the visitor holds does. Works on sync and
    async views.
    """
    checked_purpose(purpose)

    def decorate(view: View) -> View:
        def turned_away(request: HttpRequest) -> HttpResponseRedirect | None:
            wanted = phone(request) if phone is not None else ""
            if is_verified(request, purpose=purpose, max_age=max_age, phone=wanted):
                return None
            return HttpResponseRedirect(step_up_url(request, purpose=purpose, phone=wanted))

        if iscoroutinefunction(view):

            @functools.wraps(view)
            async def async_gate(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                away = await sync_to_async(turned_away)(request)
                return away if away is not None else await view(request, *args, **kwargs)

            return async_gate

        @functools.wraps(view)
        def gate(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            away = turned_away(request)
            return away if away is not None else view(request, *args, **kwargs)

        return gate

    return decorate
