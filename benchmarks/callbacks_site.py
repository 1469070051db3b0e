"""What gunicorn serves for the benchmark of callbacks: the webhook, and a bare view that does one INSERT."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.scratch import configure

configure()

from celery import Celery  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

broker = os.environ.get("BENCHMARK_BROKER", "memory://")
celery = Celery("benchmark", broker=broker)
celery.set_default()
if broker.startswith("redis"):
    settings.CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": broker,
    }


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bare (payload) VALUES (%s)", [request.body.decode()])
    return JsonResponse({"stored": 1})


urlpatterns: list[Any] = [
    path("bare/", bare),
    path("messagecentral/", include("django_messagecentral.urls")),
]
settings.ROOT_URLCONF = "benchmarks.callbacks_site"
settings.ALLOWED_HOSTS = ["*"]
settings.CONN_MAX_AGE = None
settings.DATABASES["default"]["CONN_MAX_AGE"] = None
application = get_wsgi_application()
