"""Settings of the processes that some tests start: the tests' own database, a real broker."""

import json
import os
from pathlib import Path

from tests import worker_hooks
from tests.settings import *  # noqa: F403
from tests.settings import DATABASES

DATABASES["default"].update(json.loads(os.environ["MESSAGECENTRAL_WORKER_DATABASE"]))
CACHES = json.loads(os.environ["MESSAGECENTRAL_WORKER_CACHES"])
DEBUG = os.environ["MESSAGECENTRAL_WORKER_DEBUG"] == "True"
MEDIA_ROOT = os.environ["MESSAGECENTRAL_WORKER_MEDIA"]
MESSAGECENTRAL = json.loads(os.environ["MESSAGECENTRAL_WORKER_SETTINGS"])

_celery = json.loads(os.environ["MESSAGECENTRAL_WORKER_CELERY"])
CELERY_TASK_ALWAYS_EAGER = False
CELERY_BROKER_URL = _celery["broker_url"]
CELERY_BROKER_TRANSPORT_OPTIONS = _celery["broker_transport_options"]
CELERY_TASK_DEFAULT_QUEUE = _celery["task_default_queue"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

worker_hooks.install(Path(os.environ["MESSAGECENTRAL_WORKER_HOME"]))
