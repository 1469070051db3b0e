"""The page behind an unsubscribe link.

GET shows it and changes nothing: mail scanners and previews open links by themselves. POST opts out at
once, without cookie, login or CSRF token, as RFC 8058's ``List-Unsubscribe=One-Click`` wants it.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from django_messagecentral.messaging import unsubscribe
from django_messagecentral.messaging.suppression import LINK, release
from django_messagecentral.phones import mask_phone

UNDO = "undo"


@method_decorator([never_cache, csrf_exempt, login_not_required], name="dispatch")
class UnsubscribeView(View):
    """The signed token is the only key, and opens nothing but this one phone's opt-outs."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self._answer(request, token, "ask")

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        message = unsubscribe.message_of(token)
        if message is None:
            return self._answer(request, token, "ask")
        if UNDO in request.POST:
            release(message.phone, sources=[LINK])
            return self._answer(request, token, "undone")
        unsubscribe.opt_out(message)
        return self._answer(request, token, "done")

    def _answer(self, request: HttpRequest, token: str, step: str) -> HttpResponse:
        message = unsubscribe.message_of(token)
        context: dict[str, Any] = {"step": step if message else "unknown"}
        if message:
            context |= {"phone": mask_phone(message.phone), "sender": message.sender_id}
        answer = render(
            request,
            "django_messagecentral/messaging/unsubscribe.html",
            context,
            status=200 if message else 404,
        )
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["X-Robots-Tag"] = "noindex"
        return answer
