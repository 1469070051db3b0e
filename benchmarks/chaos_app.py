"""What the processes of ``chaos`` run: Celery's app, and the site behind the webhook."""

from __future__ import annotations

import json
import os
from typing import Any

from celery import Celery

app = Celery("chaos", set_as_current=True)
app.conf.update(json.loads(os.environ["BENCHMARK_CELERY"]))
app.autodiscover_tasks(["django_messagecentral"])
app.set_default()


def site() -> Any:
    """For gunicorn."""
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()
