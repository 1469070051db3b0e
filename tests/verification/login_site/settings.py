"""The test site's settings with a user model that knows its phone."""

from tests.settings import *  # noqa: F403

INSTALLED_APPS = [
    *[app for app in INSTALLED_APPS if app != "django.contrib.admin"],  # noqa: F405
    "tests.verification.login_site",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
AUTH_USER_MODEL = "login_site.Member"
ROOT_URLCONF = "tests.verification.login_site.urls"
AUTHENTICATION_BACKENDS = ["django_messagecentral.verification.auth.PhoneLoginBackend"]
MESSAGECENTRAL = {**MESSAGECENTRAL, "OTP_LOGIN_FLOOR": 0.001}  # noqa: F405
