"""What the doors for machines share: a secret in path or header, allowed networks, a size limit, JSON."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.utils.crypto import constant_time_compare
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from django_messagecentral.conf import app_settings
from django_messagecentral.verification.guards.addresses import client_ip

TOKEN_HEADER = "X-Messagecentral-Token"  # noqa: S105
LONGEST_NUMBER = 300  # digits
FORM = "application/x-www-form-urlencoded"


def has_live_token(given: str) -> bool:
    """Whether ``given`` is one of ``WEBHOOK_TOKENS``; the time it takes tells nothing."""
    matches = [constant_time_compare(given, live) for live in app_settings.WEBHOOK_TOKENS if live]
    return bool(given) and any(matches)


@method_decorator([csrf_exempt, login_not_required], name="dispatch")
class SecretDoor(View):
    """A wrong token, or a network that is not allowed, learns nothing but 403. JSON goes to :meth:`store`."""

    http_method_names = ["get", "head", "post", "options"]
    takes_forms = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self._is_allowed(request, kwargs.get("token", "")):
            return HttpResponse(status=403)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[assignment]
        return response

    @staticmethod
    def _is_allowed(request: HttpRequest, token: str) -> bool:
        if not has_live_token(token or request.headers.get(TOKEN_HEADER, "")):
            return False
        allowed = [
            ipaddress.ip_network(network, strict=False) for network in app_settings.WEBHOOK_ALLOWED_IPS
        ]
        if not allowed:
            return True
        caller = client_ip(request)
        return bool(caller) and any(ipaddress.ip_address(caller) in network for network in allowed)

    def get(self, request: HttpRequest, token: str = "") -> HttpResponse:
        """Answers a set-up check; HEAD too."""
        return JsonResponse({"status": "ready"})

    def post(self, request: HttpRequest, token: str = "") -> HttpResponse:
        limit = app_settings.WEBHOOK_MAX_BYTES
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdigit()):  # servers pass on whatever the header says
            return JsonResponse({"error": "Content-Length is no number."}, status=400)
        if len(length) > len(str(limit)) or int(length) > limit:
            return JsonResponse({"error": f"The body is larger than {limit} bytes."}, status=413)
        body = _stream(request).read(limit + 1)
        if len(body) > limit:
            return JsonResponse({"error": f"The body is larger than {limit} bytes."}, status=413)
        try:
            payload = self._read(request, body)
        except (ValueError, RecursionError):
            return JsonResponse({"error": "The body is no JSON."}, status=400)
        return JsonResponse({"stored": self.store(payload, client_ip(request) or None)})

    def _read(self, request: HttpRequest, body: bytes) -> Any:
        if self.takes_forms and request.content_type == FORM:
            return QueryDict(body, encoding="utf-8").dict()
        return json.loads(body, parse_constant=_no_constant, parse_int=_whole_number)

    def store(self, payload: Any, remote_ip: str | None) -> int:
        """Keep ``payload``; how many of its items are new."""
        raise NotImplementedError


def _stream(request: HttpRequest) -> Any:
    """The body. Of one that is sent in chunks Django reads nothing, for want of a length; a server that ends
    the stream by itself (gunicorn, mod_wsgi) says so.
    """
    if not request.META.get("CONTENT_LENGTH") and request.META.get("wsgi.input_terminated"):
        return request.META["wsgi.input"]
    return request


def _whole_number(digits: str) -> int | str:
    """JSON bounds no number; Python reads no more than 4300 digits, and columns far fewer: a text, then."""
    return int(digits) if len(digits) <= LONGEST_NUMBER else digits


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")  # Python reads NaN and Infinity; the databases do not
