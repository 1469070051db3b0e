"""The login site's settings with allauth, two-factor, otp and simplejwt installed."""

from tests.verification.login_site.settings import *  # noqa: F403

INSTALLED_APPS = [
    *INSTALLED_APPS,  # noqa: F405
    "allauth",
    "allauth.account",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "two_factor",
    "two_factor.plugins.phonenumber",
    "rest_framework_simplejwt",
    "django_messagecentral.verification.adapters.otp",
]
MIDDLEWARE = [
    *MIDDLEWARE,  # noqa: F405
    "django_otp.middleware.OTPMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "tests.verification.adapters_site.urls"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
ACCOUNT_ADAPTER = "django_messagecentral.verification.adapters.allauth.PhoneAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"phone"}
ACCOUNT_SIGNUP_FIELDS = ["phone*", "username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
TWO_FACTOR_SMS_GATEWAY = "django_messagecentral.verification.adapters.two_factor.Gateway"
LOGIN_REDIRECT_URL = "/me/"
MESSAGECENTRAL = {**MESSAGECENTRAL, "OTP_TEMPLATE": "{code}"}  # noqa: F405
