"""The app's settings: one dict ``MESSAGECENTRAL``, one table of defaults, one typed object.

A site writes::

    MESSAGECENTRAL = {"CUSTOMER_ID": "C-...", "PASSWORD": env("MC_PASSWORD"), "SENDER_ID": "MYBRND"}

and code reads ``app_settings.SENDER_ID``. The object follows ``override_settings`` in tests. Values
are not judged here: :mod:`django_messagecentral.checks` does that at start, with the mend in each hint.
Durations are in seconds unless the name says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed

SETTINGS_NAME = "MESSAGECENTRAL"
MIB = 1024 * 1024
MAX_REVIEWERS = 5  # a handful


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default. The order is the order of the reference page."""

    # -- the vendor's account -------------------------------------------------------------------
    BASE_URL: str = "https://cpaas.messagecentral.com"
    CUSTOMER_ID: str = ""
    PASSWORD: str = field(default="", repr=False)
    KEY: str = field(default="", repr=False)  # base64 of the password, instead of PASSWORD
    TOKEN: str = field(default="", repr=False)  # a ready token from the vendor's dashboard, instead of both
    COUNTRY: str = ""  # dialling code sent with the token call
    EMAIL: str = ""  # account's e-mail, sent with the token call
    SCOPE: str = "NEW"
    CONNECT_TIMEOUT: float = 5.0
    READ_TIMEOUT: float = 20.0
    POOL_SIZE: int = 64  # HTTP connections kept by a process
    CACHE: str = "default"  # alias in CACHES: tokens and abuse counters
    RETRY_AFTER_503_NEVER_LEFT: bool = False  # trust "503 + Retry-After" to mean that nothing was sent

    # -- how things leave the site --------------------------------------------------------------
    BACKEND: str = "django_messagecentral.backends.messagecentral.MessageCentralBackend"
    FAILOVER_BACKENDS: tuple[str, ...] = ()
    SENDING_ENABLED: bool = True  # False stops every message of the site before the next call
    DEFAULT_REGION: str = ""  # ISO 3166 region for numbers typed without a country code, e.g. "IN"
    ALLOWED_COUNTRIES: tuple[str, ...] = ()  # ISO 3166 regions that may be written to; empty = all
    SENDER_ID: str = ""
    TEMPLATE_ID: str = ""
    ENTITY_ID: str = ""
    CHANNEL: str = "SMS"
    MESSAGE_TYPE: str = "TRANSACTION"
    MAX_TEXT_LENGTH: int = 1600  # characters after the variables are filled in

    # -- verification ---------------------------------------------------------------------------
    OTP_MODE: str = "vendor"  # "vendor" (VerifyNow makes and checks the code) or "own"
    OTP_CHANNELS: tuple[str, ...] = ("SMS",)  # the first is used, the others are fallbacks in order
    OTP_FALLBACK_AFTER: int = (
        0  # own-code mode: next channel by itself after this long; 0 = only when undelivered
    )
    OTP_EMAIL_OF: str = ""  # dotted path: function(user) -> the user's verified e-mail address, or ""
    OTP_EMAIL_PURPOSES: tuple[str, ...] = ()  # purposes that a code sent by e-mail satisfies
    OTP_LENGTH: int = 6
    OTP_MAX_LIFE: int = 600
    OTP_DEFAULT_LIFE: int = 60  # when the vendor's answer names none
    OTP_MAX_ATTEMPTS: int = 5
    OTP_PHONE_WRONG_CODES_PER_HOUR: int = 10
    OTP_LOCK_DELAYS: tuple[int, ...] = (
        3600,
        7200,
        14_400,
        86_400,
    )  # each further lock of a phone lasts longer
    OTP_COOLDOWNS: tuple[int, ...] = (30, 60, 120, 300)
    OTP_SENDS_PER_PHONE_HOUR: int = 5
    OTP_SENDS_PER_PHONE_DAY: int = 10
    OTP_SENDS_PER_IP_HOUR: int = 30
    OTP_SENDS_PER_SESSION_HOUR: int = 5
    OTP_SENDS_PER_USER_DAY: int = 10
    OTP_SENDS_PER_BLOCK_HOUR: int = 10
    OTP_DAILY_BUDGET: int = 10_000
    OTP_COUNTRY_BUDGET_SHARE: float = 0.5
    OTP_COUNTRY_LOW_RATE: float = 0.1  # codes entered / sent over a week below which a country is suspect
    OTP_COUNTRY_LOW_AFTER: int = 50  # sends to a country in a week before its rate is judged
    OTP_COUNTRY_LOW_SHARE: float = 0.02  # a suspect country's share of the daily budget
    OTP_REFUSED_NUMBER_TYPES: tuple[str, ...] = (
        "PREMIUM_RATE",
        "SHARED_COST",
        "TOLL_FREE",
        "UAN",
        "PAGER",
        "VOICEMAIL",
    )  # names of phonenumbers.PhoneNumberType
    OTP_DRY_RUN: bool = False  # guards only log what they would refuse
    OTP_PROOF_LIFE: int = 600
    OTP_VERIFICATION_LIFE: int = 3600  # a verification may ask for new codes this long
    OTP_TEMPLATE: str = "{code} is your verification code."  # own-code mode; the text approved by the carrier
    OTP_TEMPLATE_ID: str = ""  # own-code mode; sent with ENTITY_ID when set
    OTP_LOGIN_FLOOR: float = 1.5  # a login by phone answers no sooner, whoever asks
    OTP_LOGIN_SIGN_UP: bool = False  # an unknown number that is verified gets an account
    OTP_REVIEWER_NUMBERS: Mapping[str, str] = field(default_factory=dict)  # phone -> fixed code
    TRUSTED_PROXIES: tuple[str, ...] = ()  # networks whose X-Forwarded-For is believed

    # -- uploads --------------------------------------------------------------------------------
    UPLOAD_MAX_BYTES: int = 150 * MIB
    UPLOAD_MAX_UNZIPPED_BYTES: int = 2048 * MIB
    UPLOAD_MAX_COLUMNS: int = 100
    UPLOAD_LOCALE: str = "en"
    UPLOAD_STORAGE: str = "default"  # alias in STORAGES
    IMPORT_CHUNK_ROWS: int = 20_000
    IMPORT_MAX_TRIES: int = 5  # a file that kills its importer this often is given up

    # -- campaigns ------------------------------------------------------------------------------
    PACE_PER_SECOND: float = 50.0  # messages a second of the whole account
    PACE_PER_HOUR: int = 0  # messages an hour of the whole account; 0: no such limit
    DISPATCH_THREADS: int = 16
    DISPATCH_SLICE: float = 15.0  # one task works no longer than this, then hands over to the next
    DISPATCH_PULLERS: int = 2  # tasks that may work on one campaign at once
    LEASE: float = 60.0
    BULK_SIZE: int = 500  # recipients in one phoneNumbers call
    BREAKER_FAILURES: int = 50  # failures in a row that pause a campaign
    BREAKER_SHARE: float = 0.5  # share of failures that pauses it, once BREAKER_SHARE_AFTER were tried
    BREAKER_SHARE_AFTER: int = 200
    SETTLE_WINDOW: int = 72 * 3600
    QUIET_HOURS_ALLOWED: tuple[str, str] = ("10:00", "21:00")  # PROMOTIONAL leaves only between these
    MISSED_START_GRACE: int = 3600

    # -- routing --------------------------------------------------------------------------------
    ROUTING: str = "fixed"  # or "fallback", "cheapest", or the dotted path of the site's own policy
    ROUTING_CHANNELS: tuple[str, ...] = ()  # channels to choose from and to go on by, in order
    ROUTING_FALLBACK_AFTER: int = 0  # seconds without a report after which the next is tried; 0: never
    ROUTING_MEMORY_DAYS: int = 30  # how long a channel that failed for a number is remembered

    # -- callbacks ------------------------------------------------------------------------------
    # secret path tokens; several may live during a rotation
    WEBHOOK_TOKENS: tuple[str, ...] = field(default=(), repr=False)
    WEBHOOK_ALLOWED_IPS: tuple[str, ...] = ()
    WEBHOOK_MAX_BYTES: int = 64 * 1024
    WEBHOOK_TIME_ZONE: str = "Asia/Kolkata"  # zone of the vendor's submitDate and doneDate

    # -- webhooks to the site's own subscribers -------------------------------------------------
    OUTGOING_ALLOWED_NETWORKS: tuple[str, ...] = ()  # reached though they are not public, e.g. "10.1.0.0/16"
    OUTGOING_TIMEOUT: float = 10.0  # for a whole POST
    OUTGOING_DISABLE_AFTER: int = 72 * 3600  # of nothing but failures
    OUTGOING_RETENTION_DAYS: int = 30  # 0 keeps deliveries for ever

    # -- opt-outs -------------------------------------------------------------------------------
    UNSUBSCRIBE_URL: str = ""  # public address of the unsubscribe page; makes ##unsubscribe## usable in texts
    OPT_OUT_KEYWORDS: tuple[str, ...] = (
        "STOP",
        "STOPALL",
        "STOP ALL",
        "UNSUBSCRIBE",
        "CANCEL",
        "END",
        "QUIT",
    )
    OPT_IN_KEYWORDS: tuple[str, ...] = ("START", "UNSTOP", "SUBSCRIBE")
    OPT_OUT_STOPS_OTP: bool = False  # whether an opt-out that names no type stops one-time passwords too
    INBOUND_FIELDS: Mapping[str, str] = field(
        default_factory=dict
    )  # phone / text / channel / id -> their names

    # -- REST API -------------------------------------------------------------------------------
    API_THROTTLES: Mapping[str, str] = field(default_factory=dict)  # read / write / send -> "1200/min"

    # -- privacy --------------------------------------------------------------------------------
    RETENTION_DAYS: int = 0  # 0 keeps texts, variables and raw callbacks for ever

    # -- money ----------------------------------------------------------------------------------
    CURRENCY: str = "USD"


_DEFAULTS = Settings()


def unknown_settings() -> list[str]:
    """Names in ``settings.MESSAGECENTRAL`` that this version does not know, sorted."""
    given = getattr(django_settings, SETTINGS_NAME, {})
    return sorted(set(given) - {f.name for f in fields(Settings)}) if isinstance(given, Mapping) else []


def load_settings() -> Settings:
    """A :class:`Settings` from ``settings.MESSAGECENTRAL``. Lists become tuples;
    unknown names are left out.
    """
    given = getattr(django_settings, SETTINGS_NAME, {})
    if not isinstance(given, Mapping):
        return Settings()
    known = {f.name for f in fields(Settings)}
    values: dict[str, Any] = {k: _as_given(k, v) for k, v in given.items() if k in known}
    return Settings(**values)


def _as_given(name: str, value: Any) -> Any:
    """Lists become tuples; one text where several are meant is one of them, never its letters."""
    if isinstance(value, list):
        return tuple(value)
    several = isinstance(value, str) and isinstance(getattr(_DEFAULTS, name), tuple)
    return (value,) if several else value


class _Proxy:
    """Loads the settings at first use and again when a test overrides them."""

    _loaded: Settings | None = None

    def reload(self) -> None:
        self._loaded = None

    def __getattr__(self, name: str) -> Any:
        if self._loaded is None:
            self._loaded = load_settings()
        return getattr(self._loaded, name)


_proxy = _Proxy()
app_settings: Settings = _proxy  # type: ignore[assignment]


def _reload(*, setting: str, **_: Any) -> None:
    if setting == SETTINGS_NAME:
        _proxy.reload()


setting_changed.connect(_reload, dispatch_uid="django_messagecentral.conf")
