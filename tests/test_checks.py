"""Each mistake in the settings is told at start, by its id, with the mend in its hint."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import run_checks as django_run_checks
from django.test import override_settings

from django_messagecentral.backends import BaseBackend
from django_messagecentral.backends.messagecentral import MessageCentralBackend
from django_messagecentral.checks import shape
from django_messagecentral.client import MessageCentralClient
from django_messagecentral.conf import Settings

GOOD: dict[str, Any] = {
    "CUSTOMER_ID": "C-1",
    "PASSWORD": "s3cret-pass",
    "ALLOWED_COUNTRIES": ["IN"],
    "DEFAULT_REGION": "IN",
    "SENDER_ID": "UTOMOB",
    "WEBHOOK_TOKENS": ["a-webhook-token-of-good-length"],
}
REDIS = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://x"}}
POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "x"}}
SECRETS = ("s3cret-pass", "s3cret-token", "246810")
CONSOLE = "django_messagecentral.backends.console.ConsoleBackend"
LOCMEM = "django_messagecentral.backends.locmem.LocmemBackend"
FAILOVER = "django_messagecentral.backends.failover.FailoverBackend"


class OwnAccounts(MessageCentralBackend):
    """A site that keeps its credentials elsewhere."""

    def make_client(self) -> MessageCentralClient:
        return MessageCentralClient(token="from.a.vault")


def run(
    given: object,
    *,
    deploy: bool = False,
    caches: dict[str, Any] = REDIS,
    databases: dict[str, Any] = POSTGRES,
) -> list[CheckMessage]:
    with (
        override_settings(CACHES=caches, MESSAGECENTRAL=given),
        mock.patch.dict(settings.DATABASES, databases, clear=True),
    ):
        messages = django_run_checks(tags=["messagecentral"], include_deployment_checks=deploy)
    for message in messages:
        assert message.hint, f"{message.id} does not say what to do"
        assert not any(secret in message.msg + message.hint for secret in SECRETS)
    return messages


def ids(messages: list[CheckMessage]) -> list[str]:
    return [str(message.id).removeprefix("messagecentral.") for message in messages]


def test_good_settings_pass() -> None:
    assert run(GOOD) == []
    assert run(GOOD, deploy=True) == []


def test_the_tests_own_settings_have_no_errors() -> None:
    assert not any(isinstance(message, Error) for message in django_run_checks(tags=["messagecentral"]))


MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"CUSTOMER": "C-1"}, "E002", "Did you mean CUSTOMER_ID?"),
    ({"otp_lenght": 6}, "E002", "Did you mean OTP_LENGTH?"),
    ({"ZZZ": 1}, "E002", "settings reference"),
    ({7: 1}, "E002", "settings reference"),
    ({"CUSTOMER_ID": None}, "E003", "an environment variable is not set"),
    ({"BACKEND": b"x"}, "E003", "Write text."),
    ({"PASSWORD": 12345}, "E003", "Write text."),
    ({"OTP_LENGTH": "6"}, "E003", "Write a whole number."),
    ({"OTP_LENGTH": True}, "E003", "Write a whole number."),
    ({"POOL_SIZE": 1.5}, "E003", "Write a whole number."),
    ({"READ_TIMEOUT": "20"}, "E003", "Write a number."),
    ({"READ_TIMEOUT": float("nan")}, "E003", "Write a number."),
    ({"SENDING_ENABLED": "yes"}, "E003", "Write True or False."),
    ({"ALLOWED_COUNTRIES": "IN"}, "E003", 'A single item needs a comma: ("one",).'),
    ({"WEBHOOK_TOKENS": "s3cret-token-of-some-length"}, "E003", "a list of texts"),
    ({"OTP_COOLDOWNS": ["30"]}, "E003", "a list of whole numbers"),
    ({"QUIET_HOURS_ALLOWED": ["10:00"]}, "E003", "two texts in a list"),
    ({"OTP_REVIEWER_NUMBERS": ["+919876543210"]}, "E003", "a dict of texts"),
    ({"OTP_REVIEWER_NUMBERS": {"+919876543210": 246810}}, "E003", "a dict of texts"),
    ({"PACE_PER_SECOND": 0}, "E004", "more than 0"),
    ({"DISPATCH_THREADS": 0}, "E004", "more than 0"),
    ({"DISPATCH_THREADS": -1}, "E004", "more than 0"),
    ({"CONNECT_TIMEOUT": 0}, "E004", "more than 0"),
    ({"OTP_COOLDOWNS": [30, -1]}, "E004", "more than 0"),
    ({"RETENTION_DAYS": -1}, "E004", "0 or more"),
    ({"OTP_COUNTRY_BUDGET_SHARE": 1.5}, "E004", "between 0 and 1"),
    ({"CUSTOMER_ID": "", "PASSWORD": ""}, "E005", CONSOLE),
    ({"PASSWORD": ""}, "E006", 'MESSAGECENTRAL["PASSWORD"] or MESSAGECENTRAL["KEY"]'),
    ({"CUSTOMER_ID": ""}, "E006", 'MESSAGECENTRAL["CUSTOMER_ID"]'),
    ({"KEY": "cGFzcw=="}, "E007", "Keep one"),
    ({"KEY": "s3cret-pass!", "PASSWORD": ""}, "E008", "call the setting PASSWORD"),
    ({"BASE_URL": "cpaas.messagecentral.com"}, "E009", "https://cpaas.messagecentral.com"),
    ({"BASE_URL": "https://x:99999"}, "E009", "https://cpaas.messagecentral.com"),
    ({"BASE_URL": "https://[x"}, "E009", "https://cpaas.messagecentral.com"),
    ({"BASE_URL": "https://cpaas.messagecentral.com/verification/v3"}, "E009", "no path"),
    ({"BASE_URL": "https://cpaas.messagecentral.com?a=1"}, "E009", "no path"),
    ({"BASE_URL": "https://me:s3cret-pass@cpaas.messagecentral.com"}, "E009", "no path"),
    ({"BASE_URL": "http://cpaas.messagecentral.com"}, "E010", "Write https://"),
    ({"CHANNEL": "sms"}, "E011", "SMS, WHATSAPP, RCS, SAUTH, EMAIL"),
    ({"OTP_CHANNELS": ["SMS", "PIGEON"]}, "E011", "SMS, WHATSAPP, RCS, SAUTH, EMAIL"),
    ({"MESSAGE_TYPE": "SPAM"}, "E012", "OTP, TRANSACTION, PROMOTIONAL"),
    ({"TEMPLATE_ID": "t"}, "E013", "Set ENTITY_ID too"),
    ({"ENTITY_ID": "e"}, "E013", "Set TEMPLATE_ID too"),
    ({"OTP_TEMPLATE_ID": "t"}, "E013", "Set ENTITY_ID too"),
    ({"OTP_MODE": "own", "SENDER_ID": ""}, "E014", "sender ID"),
    ({"DEFAULT_REGION": "India", "ALLOWED_COUNTRIES": ["India"]}, "E015 E015", 'here "IN"'),
    ({"ALLOWED_COUNTRIES": ["IN", "in"]}, "E015", "two capital letters"),
    ({"ALLOWED_COUNTRIES": ["IN", "91"]}, "E015", 'here "IN"'),
    ({"ALLOWED_COUNTRIES": ["IN", "ZZ"]}, "E015", 'for example "IN"'),
    ({"OTP_LENGTH": 3}, "E016", "4 to 8"),
    ({"OTP_LENGTH": 9}, "E016", "4 to 8"),
    ({"OTP_MODE": "magic"}, "E017", '"own"'),
    ({"OTP_CHANNELS": []}, "E018", '["SMS"]'),
    ({"OTP_CHANNELS": ["SAUTH"]}, "E018", "Remove it"),
    ({"OTP_TEMPLATE": "Your code is ready."}, "E019", "{code}"),
    ({"OTP_TEMPLATE": "{code} for {name}"}, "E019", "{code}"),
    ({"OTP_TEMPLATE": "{code} }"}, "E019", "written twice"),
    ({"OTP_TEMPLATE": "{code:d}"}, "E019", "{code}"),
    ({"OTP_TEMPLATE": "{}"}, "E019", "{code}"),
    ({"BACKEND": "no.such.Backend"}, "E020", "dotted path"),
    ({"BACKEND": "collections.OrderedDict"}, "E020", "dotted path"),
    ({"BACKEND": "no.such.Backend", "CUSTOMER_ID": "", "PASSWORD": ""}, "E020", "dotted path"),
    ({"FAILOVER_BACKENDS": ["nodots"]}, "E020", "dotted path"),
    ({"BACKEND": FAILOVER}, "E021", "in order"),
    ({"BACKEND": FAILOVER, "FAILOVER_BACKENDS": [LOCMEM, FAILOVER]}, "E021", "in order"),
    ({"CACHE": "nothing"}, "E022", "Write one of default"),
    ({"UPLOAD_STORAGE": "nothing"}, "E023", "Write one of default, staticfiles"),
    ({"WEBHOOK_TOKENS": ["s3cret-token"]}, "E024", "token_urlsafe"),
    ({"WEBHOOK_TOKENS": ["s3cret-token/with/slashes/in/it"]}, "E024", "token_urlsafe"),
    ({"WEBHOOK_ALLOWED_IPS": ["203.0.113.300"]}, "E025", "10.0.0.0/8"),
    ({"TRUSTED_PROXIES": ["proxy.example.com"]}, "E025", "10.0.0.0/8"),
    ({"WEBHOOK_TIME_ZONE": "India"}, "E026", "Asia/Kolkata"),
    ({"WEBHOOK_TIME_ZONE": "../etc/passwd"}, "E026", "Asia/Kolkata"),
    ({"WEBHOOK_TIME_ZONE": ""}, "E026", "Asia/Kolkata"),
    ({"LEASE": 20}, "E027", "CONNECT_TIMEOUT and READ_TIMEOUT"),
    ({"READ_TIMEOUT": 60.0}, "E027", "CONNECT_TIMEOUT and READ_TIMEOUT"),
    ({"QUIET_HOURS_ALLOWED": ["ten", "21:00"]}, "E028", '("10:00", "21:00")'),
    ({"QUIET_HOURS_ALLOWED": ["10:00", "25:00"]}, "E028", '("10:00", "21:00")'),
    ({"QUIET_HOURS_ALLOWED": ["21:00", "10:00"]}, "E028", '("10:00", "21:00")'),
    ({"OTP_REVIEWER_NUMBERS": {"98765 43210": "246810"}}, "E029 W005", "+919876543210"),
    ({"OTP_REVIEWER_NUMBERS": {"+919876543210": "24681o"}}, "E029 W005", "digits only"),
    (
        {"OTP_REVIEWER_NUMBERS": {f"+91987654321{number}": "246810" for number in range(6)}},
        "E029 W005",
        "Name 5 at most",
    ),
    ({"OTP_REFUSED_NUMBER_TYPES": ["PREMIUM"]}, "E030", "PREMIUM_RATE"),
    ({"COUNTRY": "India"}, "E031", '"91"'),
    ({"CURRENCY": "rupees"}, "E032", '"USD"'),
    ({"ALLOWED_COUNTRIES": []}, "W001", '["IN", "AE"]'),
    ({"WEBHOOK_TOKENS": []}, "W003", "token_urlsafe"),
    ({"INBOUND_FIELDS": {"Phone": "from"}}, "E033", "phone"),
    ({"API_THROTTLES": {"sends": "3/min"}}, "E034", "send"),
    ({"API_THROTTLES": {"send": "fast"}}, "E034", "300/min"),
    ({"UNSUBSCRIBE_URL": "/messagecentral/unsubscribe/"}, "E035", "https://"),
    ({"OUTGOING_ALLOWED_NETWORKS": ("0.0.0.0/0",)}, "W040", "169.254.169.254"),
    ({"OUTGOING_TIMEOUT": 90}, "E041", "60 seconds"),
    ({"ROUTING_CHANNELS": ["SMS", "PIGEON"]}, "E036", "WHATSAPP"),
    ({"ROUTING_CHANNELS": ["SMS", "RCS", "SMS"]}, "E036", "each once"),
    ({"ROUTING": "cheap", "ROUTING_CHANNELS": ["SMS", "RCS"]}, "E037", "cheapest"),
    ({"ROUTING": "collections.OrderedDict"}, "E037", "Policy of your own"),
    ({"ROUTING": "fallback"}, "E038", '("WHATSAPP", "SMS")'),
    ({"ROUTING": "cheapest", "ROUTING_CHANNELS": ["SMS"]}, "E038", '("WHATSAPP", "SMS")'),
    ({"ROUTING_FALLBACK_AFTER": 60}, "W014", "ROUTING_CHANNELS"),
    ({"OTP_REVIEWER_NUMBERS": {"+919876543210": "246810"}}, "W005", "review is over"),
    ({"SENDING_ENABLED": False}, "W007", "True"),
    ({"OTP_DRY_RUN": True}, "W008", "False"),
    ({"OTP_MAX_LIFE": 601}, "W009", "600 or less"),
    ({"TOKEN": "s3cret-token"}, "W010", "never renewed"),
    ({"DEFAULT_REGION": "AE"}, "W011", "Add it"),
    ({"OTP_LENGTH": 4}, "W012", "6 or more"),
    ({"TRUSTED_PROXIES": ["0.0.0.0/0"]}, "W013", "your own proxies"),
    ({"TRUSTED_PROXIES": ["::/0"]}, "W013", "your own proxies"),
]


@pytest.mark.parametrize(("change", "expected", "hint"), MISTAKES, ids=lambda value: str(value)[:60])
def test_each_mistake_is_told_with_its_mend(change: dict[str, Any], expected: str, hint: str) -> None:
    messages = run(GOOD | change)
    assert ids(messages) == expected.split()
    assert any(hint in str(message.hint) for message in messages)


@pytest.mark.parametrize(
    "change",
    [
        {"TOKEN": "ready", "CUSTOMER_ID": "", "PASSWORD": ""},
        {"KEY": "cGFzcw==", "PASSWORD": ""},
        {"CUSTOMER_ID": "", "PASSWORD": "", "BACKEND": CONSOLE},
        {"CUSTOMER_ID": "", "PASSWORD": "", "BACKEND": f"{__name__}.OwnAccounts"},
        {"BASE_URL": "http://127.0.0.1:9000/"},
        {"BASE_URL": "http://localhost:9000"},
        {"BASE_URL": "http://[::1]:9000"},
        {"BASE_URL": "https://eu.example.com:8443"},
        {"TEMPLATE_ID": "t", "ENTITY_ID": "e", "OTP_TEMPLATE_ID": "o"},
        {"OTP_MODE": "own"},
        {"OTP_TEMPLATE": "{code} is your {{shop}} code."},
        {"BACKEND": FAILOVER, "FAILOVER_BACKENDS": [LOCMEM, CONSOLE]},
        {"WEBHOOK_ALLOWED_IPS": ["203.0.113.7", "2001:db8::/32"], "TRUSTED_PROXIES": ("10.1.2.3/8",)},
        {"RETENTION_DAYS": 0, "OTP_COUNTRY_LOW_RATE": 0.0, "MISSED_START_GRACE": 0},
        {"PACE_PER_SECOND": 1, "LEASE": 26},
        {"COUNTRY": "+91"},
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_is_right_is_not_complained_about(change: dict[str, Any]) -> None:
    assert run(GOOD | change) == []


@pytest.mark.parametrize("given", [None, "CUSTOMER_ID", ["CUSTOMER_ID"], 7])
def test_settings_that_are_no_dict(given: object) -> None:
    first, *others = run(given)
    assert first.id == "messagecentral.E001"
    assert "CUSTOMER_ID" in str(first.hint)
    assert "E005" in ids(others)


@pytest.mark.parametrize(
    ("backend", "warned"),
    [
        ("django.core.cache.backends.locmem.LocMemCache", True),
        ("django.core.cache.backends.dummy.DummyCache", True),
        ("django.core.cache.backends.filebased.FileBasedCache", True),
        ("django.core.cache.backends.db.DatabaseCache", True),
        ("tests.backends.test_tokens.Broken", True),
        ("django.core.cache.backends.redis.RedisCache", False),
        ("django.core.cache.backends.memcached.PyMemcacheCache", False),
    ],
)
def test_a_cache_that_cannot_count_is_warned_of(backend: str, warned: bool) -> None:
    caches = {"default": {"BACKEND": backend, "LOCATION": "x"}}
    assert ids(run(GOOD, caches=caches)) == (["W002"] if warned else [])
    elsewhere = {"default": caches["default"], "counters": REDIS["default"]}
    assert run(GOOD | {"CACHE": "counters"}, caches=elsewhere) == []


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        (None, True),
        ({}, True),
        ({"transaction_mode": "IMMEDIATE"}, True),
        ({"timeout": 20}, True),
        ({"transaction_mode": "DEFERRED", "timeout": 20}, True),
        ({"transaction_mode": "IMMEDIATE", "timeout": 5}, True),
        ({"transaction_mode": "immediate", "timeout": 20}, False),
        ({"transaction_mode": "EXCLUSIVE", "timeout": 30.0}, False),
    ],
)
def test_sqlite_must_be_set_for_several_writers(options: dict[str, Any] | None, warned: bool) -> None:
    sqlite: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": "x", "OPTIONS": options}
    messages = run(GOOD, databases=POSTGRES | {"other": sqlite})
    assert ids(messages) == (["W004"] if warned else [])


def test_a_development_backend_is_warned_of_before_deployment_only() -> None:
    given = GOOD | {"BACKEND": CONSOLE}
    assert run(given) == []
    assert ids(run(given, deploy=True)) == ["W006"]
    assert ids(run(GOOD | {"BACKEND": "no.such.Backend"}, deploy=True)) == ["E020"]


def test_wrong_values_are_told_once_and_the_other_checks_go_on() -> None:
    wrong = {name: object() for name in shape.FIELDS}
    del wrong["LEASE"]
    messages = run(wrong | {"NONSENSE": 1, "LEASE": 1}, caches={"default": {"BACKEND": "x.Y"}})
    assert ids(messages) == ["E003"] * len(wrong) + ["E002", "E027"]


def test_every_setting_has_a_type_that_is_checked_and_a_default_that_passes() -> None:
    for name, field in shape.FIELDS.items():
        test, wanted = shape.TYPES[str(field.type)]
        assert test(getattr(Settings(), name)), f"{name} should be {wanted}"


def test_every_id_is_used_for_one_thing_and_is_tested() -> None:
    sources = Path(shape.__file__).parent.glob("*.py")
    text = "\n".join(path.read_text() for path in sources)
    used = {f"E{int(number):03}" for number in re.findall(r"\berror\(\s*(\d+)", text)} | {"E022", "E023"}
    used |= {f"W{int(number):03}" for number in re.findall(r"\bwarning\(\s*(\d+)", text)}
    tested = {each for _, expected, _ in MISTAKES for each in expected.split()}
    assert used - tested == {"E001", "W002", "W004", "W006"}  # these have tests of their own


SITE = """
SECRET_KEY = "x" * 50
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django_messagecentral",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
USE_TZ = True
"""


def test_a_new_site_gets_clear_messages_and_no_traceback(tmp_path: Path) -> None:
    """Only INSTALLED_APPS, as after the first step of the tutorial."""
    (tmp_path / "new_site.py").write_text(SITE)
    checked = subprocess.run(
        [sys.executable, "-W", "error", "-m", "django", "check"],
        cwd=tmp_path,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "new_site", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in checked.stderr, checked.stderr
    for number in ("E005", "W001", "W002", "W003", "W004"):
        assert f"messagecentral.{number}" in checked.stderr
    assert checked.returncode == 1
    assert issubclass(MessageCentralBackend, BaseBackend)
