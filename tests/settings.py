"""Settings of the test site. MESSAGECENTRAL_TEST_DATABASE and _BROKER choose the servers."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import django

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "tests-only-key-that-is-long-enough-for-everything"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
ROOT_URLCONF = "tests.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

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
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [BASE_DIR / "tests" / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STATIC_URL = "/static/"
MEDIA_ROOT = os.environ.get("MESSAGECENTRAL_TEST_MEDIA") or tempfile.mkdtemp(prefix="messagecentral-media-")


def _database() -> dict[str, object]:
    """The database named by MESSAGECENTRAL_TEST_DATABASE: sqlite (default), postgres or mariadb."""
    wanted = os.environ.get("MESSAGECENTRAL_TEST_DATABASE", "sqlite")
    name = os.environ.get("MESSAGECENTRAL_TEST_DATABASE_NAME", "messagecentral")
    if wanted == "postgres":
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": os.environ.get("MESSAGECENTRAL_TEST_POSTGRES_USER", "postgres"),
            "HOST": "127.0.0.1",
        }
    if wanted == "mariadb":
        return {
            "ENGINE": "django.db.backends.mysql",
            "NAME": name,
            "USER": "root",
            "HOST": "127.0.0.1",
            "OPTIONS": {"charset": "utf8mb4"},
            "TEST": {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_unicode_ci"},
        }
    if wanted != "sqlite":
        raise ValueError(f"MESSAGECENTRAL_TEST_DATABASE is {wanted!r}: use sqlite, postgres or mariadb")
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": BASE_DIR / "tests" / "db.sqlite3",
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        # A file, so that threads and worker processes of the tests meet in it.
        "TEST": {
            "NAME": os.environ.get("MESSAGECENTRAL_TEST_SQLITE_FILE")
            or Path(tempfile.mkdtemp(prefix="messagecentral-tests-")) / "tests.sqlite3"
        },
    }


DATABASES = {"default": _database()}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}

CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True

REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}

WEBHOOK_TOKEN = "a-webhook-token-for-the-tests-0123456789"
MESSAGECENTRAL = {
    "CUSTOMER_ID": "C-SANDBOX0000001",
    "PASSWORD": "sandbox",
    "BACKEND": "django_messagecentral.backends.locmem.LocmemBackend",
    "DEFAULT_REGION": "IN",
    "SENDER_ID": "UTOMOB",
    "WEBHOOK_TOKENS": (WEBHOOK_TOKEN,),
}
