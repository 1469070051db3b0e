"""``GET .../health/`` for load balancers and monitors.

Anyone learns ``{"status": "ok"}`` with 200, or ``{"status": "failing"}`` with 503. The details are for staff,
and for who sends a webhook token in ``X-Messagecentral-Token``. Answers are remembered for half a minute, so
that nobody makes the site ask the vendor a thousand times.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.cache import caches
from django.http import HttpRequest, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache

from django_messagecentral import health
from django_messagecentral.callbacks.doors import TOKEN_HEADER, has_live_token
from django_messagecentral.conf import app_settings

KEY = "messagecentral:health"
SECONDS = 30


@method_decorator([never_cache, login_not_required], name="dispatch")
class HealthView(View):
    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest) -> JsonResponse:
        found = remembered()
        status = 503 if found["status"] == health.FAILING else 200
        return JsonResponse(found if _may_see(request) else {"status": found["status"]}, status=status)


def _may_see(request: HttpRequest) -> bool:
    user: Any = getattr(request, "user", None)
    return bool(user and user.is_active and user.is_staff) or has_live_token(
        request.headers.get(TOKEN_HEADER, "")
    )


def remembered() -> dict[str, Any]:
    """What every probe found, no older than :data:`SECONDS`."""
    try:
        cache = caches[app_settings.CACHE]
        known: dict[str, Any] | None = cache.get(KEY)
        if known is None:
            known = health.as_dict(health.check())
            cache.set(KEY, known, SECONDS)
    except Exception:  # noqa: BLE001 - any cache library's own error; the probe of the cache says so
        return health.as_dict(health.check())
    return known
