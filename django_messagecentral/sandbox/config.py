"""What can be set about the sandbox, at start and while it runs. One table; a wrong value names itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from statistics import NormalDist
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .magic import BREAKDOWNS, FAILURES

STATUSES = ("DELIVRD", "EXPIRED", "UNDELIV", "UNKNOWN", "REJECTD")
FLAWS = ("never", "late", "twice", "out_of_order", "early")
DEFAULT_ACCOUNT = "C-SANDBOX0000001"
DEFAULT_PASSWORD = "sandbox"  # noqa: S105 (the published password of a sandbox)


class ConfigError(ValueError):
    """A value that cannot be set; the text says which and what it may be."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How long something takes, in seconds.

    Written ``0.2`` (always), ``{"uniform": [0.1, 0.5]}``, ``{"exponential": 0.2}`` (mean) or
    ``{"lognormal": [0.2, 0.5]}`` (median, sigma).
    """

    kind: str = "fixed"
    a: float = 0.0
    b: float = 0.0

    def sample(self, unit: float) -> float:
        """The time for a draw in [0, 1)."""
        if self.kind == "uniform":
            return self.a + (self.b - self.a) * unit
        if self.kind == "exponential":
            return -self.a * math.log(1.0 - unit)
        if self.kind == "lognormal":
            return self.a * math.exp(self.b * NormalDist().inv_cdf(min(max(unit, 1e-12), 1 - 1e-12)))
        return self.a

    @property
    def nothing(self) -> bool:
        """True if it always takes no time."""
        return self.kind == "fixed" and self.a == 0

    def as_json(self) -> Any:
        """The same as it would be written in the configuration."""
        if self.kind == "fixed":
            return self.a
        return {self.kind: self.a if self.kind == "exponential" else [self.a, self.b]}

    @classmethod
    def read(cls, value: Any) -> Distribution:
        """From its written form; raises ConfigError."""
        if isinstance(value, cls):
            return value
        if isinstance(value, Mapping) and len(value) == 1:
            kind, numbers = next(iter(value.items()))
            numbers = list(numbers) if isinstance(numbers, list | tuple) else [numbers]
            if kind in ("uniform", "lognormal") and len(numbers) == 2:
                first, second = _seconds(numbers[0]), _seconds(numbers[1])
                if kind == "lognormal" or first <= second:
                    return cls(kind, first, second)
            elif kind == "exponential" and len(numbers) == 1:
                return cls(kind, _seconds(numbers[0]))
        elif not isinstance(value, Mapping):
            return cls("fixed", _seconds(value))
        raise ConfigError(
            'use seconds, {"uniform": [from, to]}, {"exponential": mean} or {"lognormal": [median, sigma]}'
        )


def _seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1e9:
        raise ConfigError("use a number of seconds, 0 or more")
    return float(value)


def _count(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"use a whole number from {low} to {high}")
        return value

    return read


def _choice(*allowed: Any) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if value not in allowed:
            raise ConfigError(f"use one of {', '.join(map(repr, allowed))}")
        return value

    return read


def _shares(allowed: tuple[str, ...]) -> Callable[[Any], dict[str, float]]:
    def read(value: Any) -> dict[str, float]:
        if not isinstance(value, Mapping):
            raise ConfigError("use an object of shares")
        for name, share in value.items():
            if name not in allowed:
                raise ConfigError(f"{name!r} is not one of {', '.join(allowed)}")
            if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
                raise ConfigError(f"the share of {name} must lie between 0 and 1")
        if sum(value.values()) > 1 + 1e-9:
            raise ConfigError("the shares add up to more than 1")
        return {name: float(share) for name, share in value.items()}

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ConfigError("use true or false")
    return value


def _url(value: Any) -> str | None:
    if value in (None, ""):
        return None
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        usable = (
            parts is not None
            and parts.scheme in ("http", "https")
            and parts.hostname
            and (parts.port or True)
        )
    except ValueError:
        usable = False
    if not usable or any(ord(char) <= 32 or ord(char) > 126 for char in value):
        raise ConfigError("use an http:// or https:// address, or null")
    return str(value)


def _zone(value: Any) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as exc:
        raise ConfigError("use a time zone's name, such as Asia/Kolkata") from exc


def _accounts(value: Any) -> dict[str, str]:
    good = isinstance(value, Mapping) and all(
        isinstance(key, str) and key and isinstance(password, str) for key, password in value.items()
    )
    if not good:
        raise ConfigError("use an object: customer id -> password")
    return dict(value)


@dataclass(frozen=True, slots=True)
class Config:
    """The settings in force; read-only, replaced as a whole by ``changed``."""

    profile: str = "observed"
    callback_url: str | None = None
    callback_delay: Distribution = Distribution("uniform", 0.2, 1.0)
    callback_retries: int = 3
    callback_retry_delay: float = 1.0
    callback_timeout: float = 10.0
    callback_connections: int = 32
    callback_timezone: str = "Asia/Kolkata"
    bulk_message_id: str = "shared"
    delivery: dict[str, float] = field(default_factory=dict)
    callback_flaws: dict[str, float] = field(default_factory=dict)
    late_seconds: float = 60.0
    latency: Distribution = Distribution()
    errors: dict[str, float] = field(default_factory=dict)
    validate_errors: dict[str, float] = field(default_factory=dict)
    token_errors: dict[str, float] = field(default_factory=dict)
    stall_seconds: float = 30.0
    retry_after: int = 2
    otp_timeout: float = 60.0
    otp_length: int = 4
    max_wrong_codes: int = 10
    token_lifetime: float = 86_400.0
    unauthorized_status: int = 401
    any_account: bool = False
    accounts: dict[str, str] = field(default_factory=lambda: {DEFAULT_ACCOUNT: DEFAULT_PASSWORD}, repr=False)
    keep_requests: int = 10_000

    def changed(self, /, **changes: Any) -> Config:
        """A copy with these values read and set; raises ConfigError naming the setting at fault."""
        clean: dict[str, Any] = {}
        for name, value in changes.items():
            read = _READERS.get(name)
            if read is None:
                raise ConfigError(f"no such setting: {name}; there are {', '.join(_READERS)}")
            try:
                clean[name] = read(value)
            except ConfigError as exc:
                raise ConfigError(f"{name}: {exc}") from None
        return replace(self, **clean)

    def as_json(self) -> dict[str, Any]:
        """Every setting as JSON, passwords masked."""
        shown: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            shown[entry.name] = value.as_json() if isinstance(value, Distribution) else value
        shown["accounts"] = dict.fromkeys(self.accounts, "***")
        return shown


_READERS: dict[str, Callable[[Any], Any]] = {
    "profile": _choice("observed", "documented"),
    "callback_url": _url,
    "callback_delay": Distribution.read,
    "callback_retries": _count(0, 100),
    "callback_retry_delay": _seconds,
    "callback_timeout": _seconds,
    "callback_connections": _count(1, 1024),
    "callback_timezone": _zone,
    "bulk_message_id": _choice("shared", "fresh"),
    "delivery": _shares(STATUSES),
    "callback_flaws": _shares(FLAWS),
    "late_seconds": _seconds,
    "latency": Distribution.read,
    "errors": _shares(FAILURES),
    "validate_errors": _shares(BREAKDOWNS),
    "token_errors": _shares(BREAKDOWNS),
    "stall_seconds": _seconds,
    "retry_after": _count(0, 86_400),
    "otp_timeout": _seconds,
    "otp_length": _count(4, 8),
    "max_wrong_codes": _count(1, 1_000_000),
    "token_lifetime": _seconds,
    "unauthorized_status": _choice(401, 403),
    "any_account": _flag,
    "accounts": _accounts,
    "keep_requests": _count(0, 10_000_000),
}


def pick(unit: float, shares: dict[str, float], otherwise: str) -> str:
    """What a draw in [0, 1) falls on; ``otherwise`` takes what the shares leave."""
    for name, share in shares.items():
        unit -= share
        if unit < 0:
            return name
    return otherwise
