"""Settings of the worker processes that some tests start: the tests' own database, a real broker."""

import json
import os

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["MESSAGECENTRAL_WORKER_DATABASE"]
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": os.environ["MESSAGECENTRAL_WORKER_CACHE"],
    }
}
MEDIA_ROOT = os.environ["MESSAGECENTRAL_WORKER_MEDIA"]
MESSAGECENTRAL = json.loads(os.environ["MESSAGECENTRAL_WORKER_SETTINGS"])

_celery = json.loads(os.environ["MESSAGECENTRAL_WORKER_CELERY"])
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = _celery["broker_url"]
CELERY_BROKER_TRANSPORT_OPTIONS = _celery["broker_transport_options"]
CELERY_TASK_DEFAULT_QUEUE = _celery["task_default_queue"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
