"""Who calls the vendor, and where."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from django_messagecentral.backends import load_backend_class
from django_messagecentral.backends.messagecentral import MessageCentralBackend
from django_messagecentral.checks.base import Check, error, setting, warning
from django_messagecentral.conf import Settings

_CONSOLE: Final = "django_messagecentral.backends.console.ConsoleBackend"


def needs_account(settings: Settings) -> bool:
    """Whether a backend in use reads the account from the settings."""
    for path in (settings.BACKEND, *settings.FAILOVER_BACKENDS):
        try:
            found = load_backend_class(path)
        except ImproperlyConfigured:
            continue  # check_backends tells
        if (
            issubclass(found, MessageCentralBackend)
            and found.make_client is MessageCentralBackend.make_client
        ):
            return True
    return False


def check_credentials(settings: Settings) -> Iterator[CheckMessage]:
    has_secret = bool(settings.PASSWORD or settings.KEY)
    if not (settings.TOKEN or settings.CUSTOMER_ID or has_secret):
        if needs_account(settings):
            yield error(
                5,
                "No Message Central account is set.",
                f"Set {setting('CUSTOMER_ID')} and {setting('PASSWORD')} (or KEY, or a TOKEN of the "
                f"dashboard), or while developing {setting('BACKEND')} = {_CONSOLE!r}.",
            )
    elif not settings.TOKEN and not (settings.CUSTOMER_ID and has_secret):
        missing = (
            f"{setting('PASSWORD')} or {setting('KEY')}" if settings.CUSTOMER_ID else setting("CUSTOMER_ID")
        )
        yield error(6, "Half of the Message Central account is missing.", f"Set {missing} too.")
    if settings.PASSWORD and settings.KEY:
        yield error(
            7,
            f"Both {setting('PASSWORD')} and {setting('KEY')} are set.",
            "Keep one: KEY is the base64 of PASSWORD.",
        )
    if settings.TOKEN and has_secret:
        yield warning(
            10,
            f"{setting('TOKEN')} is set, so the password or key is not used.",
            "Keep one. A ready token is never renewed; with a password the app fetches new ones itself.",
        )


def check_key(settings: Settings) -> Iterator[CheckMessage]:
    if not settings.KEY:
        return
    try:
        base64.b64decode(settings.KEY, validate=True)
    except (binascii.Error, ValueError):
        yield error(
            8,
            f"{setting('KEY')} is not base64.",
            "It is the base64 of the password; if this is the password itself, call the setting PASSWORD.",
        )


def check_country(settings: Settings) -> Iterator[CheckMessage]:
    digits = settings.COUNTRY.removeprefix("+")
    if digits and not (digits.isascii() and digits.isdecimal() and len(digits) <= 3):
        yield error(31, f"{setting('COUNTRY')} is no dialling code.", 'Write digits, for example "91".')


def check_base_url(settings: Settings) -> Iterator[CheckMessage]:
    try:
        parts = urlsplit(settings.BASE_URL)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable:
        yield error(
            9, f"{setting('BASE_URL')} is no web address.", f'Write one such as "{Settings().BASE_URL}".'
        )
        return
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username or parts.password:
        yield error(
            9,
            f"{setting('BASE_URL')} has more than a scheme and a host.",
            f'Write no path, query or credentials: "{parts.scheme}://{parts.hostname}".',
        )
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        yield error(
            10,
            f"{setting('BASE_URL')} is not https: anybody on the way could read the password and the codes.",
            "Write https://. Plain http is for a sandbox on this machine only (127.0.0.1, localhost).",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


CHECKS: Final[tuple[Check, ...]] = (check_credentials, check_key, check_country, check_base_url)
