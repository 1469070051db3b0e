"""The webhook: ``POST .../webhook/<token>/`` with the vendor's JSON.

The vendor signs nothing, so the URL carries a long random token of the site's own (several may live
during a rotation), compared in constant time. A wrong token, or a network that is not allowed, learns
nothing but 403.
"""

from __future__ import annotations

import ipaddress
import json
import logging
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from django_messagecentral.callbacks.receiving import receive
from django_messagecentral.conf import app_settings

logger = logging.getLogger("django_messagecentral.callbacks")

TOKEN_HEADER = "X-Messagecentral-Token"  # noqa: S105


def _login_not_required(view: Any) -> Any:
    """Django 5.1's LoginRequiredMiddleware must let the vendor in: the token is its key."""
    view.login_required = False
    return view


@method_decorator([csrf_exempt, _login_not_required], name="dispatch")
class WebhookView(View):
    """Stores the report and answers in one insert's time; a Celery task makes something of it."""

    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self._is_allowed(request, kwargs.get("token", "")):
            return HttpResponse(status=403)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        return response

    @staticmethod
    def _is_allowed(request: HttpRequest, token: str) -> bool:
        given = token or request.headers.get(TOKEN_HEADER, "")
        matches = [constant_time_compare(given, live) for live in app_settings.WEBHOOK_TOKENS if live]
        if not given or not any(matches):
            return False
        networks = [
            ipaddress.ip_network(network, strict=False) for network in app_settings.WEBHOOK_ALLOWED_IPS
        ]
        if not networks:
            return True
        try:
            address = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
        except ValueError:
            return False
        return any(address in network for network in networks)

    def get(self, request: HttpRequest, token: str = "") -> HttpResponse:
        """Answers a set-up check; HEAD too."""
        return JsonResponse({"status": "ready"})

    def post(self, request: HttpRequest, token: str = "") -> HttpResponse:
        limit = app_settings.WEBHOOK_MAX_BYTES
        if int(request.META.get("CONTENT_LENGTH") or 0) > limit:
            return JsonResponse({"error": f"The body is larger than {limit} bytes."}, status=413)
        body = request.read(limit + 1)
        if len(body) > limit:
            return JsonResponse({"error": f"The body is larger than {limit} bytes."}, status=413)
        try:
            payload = json.loads(body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return JsonResponse({"error": "The body is no JSON."}, status=400)
        stored = receive(payload, remote_ip=request.META.get("REMOTE_ADDR") or None)
        return JsonResponse({"stored": stored})


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")  # Python reads NaN and Infinity; the databases do not
