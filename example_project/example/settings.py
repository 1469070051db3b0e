"""A small real site on embedded defaults: SQLite, Celery over files, the sandbox in place of the vendor.

Everything the site writes lies in ``EXAMPLE_HOME`` (default: ``example_project/var``). A real site reads
its secrets from its environment and has a broker, a database server and a cache server; the commented
lines say what changes.
"""

import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("EXAMPLE_HOME", BASE_DIR / "var"))
HOME.mkdir(parents=True, exist_ok=True)

SECRET_KEY = os.environ.get("EXAMPLE_SECRET_KEY", "an-example-key-that-protects-nothing-but-this-example")
DEBUG = os.environ.get("EXAMPLE_DEBUG", "1") == "1"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "testserver"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "phonenumber_field",
    "rest_framework",
    "drf_spectacular",
    "django_messagecentral",
    "django_messagecentral.sandbox",  # development only: the vendor on this machine
    "example",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "example.csp.ContentSecurityPolicyMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "example.urls"
WSGI_APPLICATION = "example.wsgi.application"
AUTH_USER_MODEL = "example.Member"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "django_messagecentral.verification.auth.PhoneLoginBackend",
]
LOGIN_URL = "messagecentral:login"
LOGOUT_REDIRECT_URL = "/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
MEDIA_ROOT = HOME / "media"

# SQLite for several writers: a worker and the site write at once.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HOME / "db.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
# One file cache for the site and its worker. A real site: django.core.cache.backends.redis.RedisCache.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": HOME / "cache",
    }
}
SILENCED_SYSTEM_CHECKS: list[str] = []

# A real site: CELERY_BROKER_URL = "redis://..." or "amqp://...", and no transport options.
CELERY_BROKER_URL = os.environ.get("EXAMPLE_BROKER_URL", "filesystem://localhost//")
if CELERY_BROKER_URL.startswith("filesystem:"):
    for folder in ("queue", "control"):
        (HOME / "broker" / folder).mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(HOME / "broker" / "queue"),
        "data_folder_out": str(HOME / "broker" / "queue"),
        "control_folder": str(HOME / "broker" / "control"),
        "polling_interval": 0.1,
    }
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# The sweep restarts whatever a dead worker or a lost broker left. A real site takes 10 seconds.
CELERY_BEAT_SCHEDULE = {
    "messagecentral-sweep": {
        "task": "django_messagecentral.sweep",
        "schedule": 2.0,
        "options": {"expires": 10},
    },
    "messagecentral-upkeep": {"task": "django_messagecentral.upkeep", "schedule": 60.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(HOME / "celerybeat-schedule")

REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
SPECTACULAR_SETTINGS = {"TITLE": "Example site", "VERSION": "1"}

SANDBOX_URL = os.environ.get("EXAMPLE_SANDBOX_URL", "http://127.0.0.1:9000")
MESSAGECENTRAL = {
    "BASE_URL": SANDBOX_URL,
    "CUSTOMER_ID": "C-SANDBOX0000001",
    "PASSWORD": "sandbox",
    "DEFAULT_REGION": "IN",
    "ALLOWED_COUNTRIES": ["IN", "GB", "US"],
    "SENDER_ID": "EXMPLE",
    "PACE_PER_SECOND": float(os.environ.get("EXAMPLE_PACE", "200")),
    "DISPATCH_SLICE": 3.0,
    "WEBHOOK_TOKENS": [os.environ.get("EXAMPLE_WEBHOOK_TOKEN", "example-only-webhook-token-0123456789")],
    # Any other setting of the app, to be tried out without editing this file.
    **json.loads(os.environ.get("EXAMPLE_MESSAGECENTRAL", "{}")),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django_messagecentral": {"handlers": ["console"], "level": "INFO"}},
}
