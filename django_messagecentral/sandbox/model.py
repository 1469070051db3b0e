"""The things the sandbox remembers. Times are seconds since the epoch, UTC, by the sandbox's clock."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Call:
    """One request of the vendor's API as it came, and what it was answered.

    ``headers`` and ``body`` are kept raw in memory and only ever shown masked (see ``masking``).
    """

    id: int
    kind: str
    received_at: float
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    http_status: int = 0
    code: int | None = None
    failure: str = ""
    recipients: int = 0


@dataclass(slots=True)
class Attempt:
    """One POST of a callback: HTTP status or None, the answer's first characters or the error, seconds."""

    at: float
    http_status: int | None
    said: str
    seconds: float


@dataclass(slots=True)
class Report:
    """A delivery report: due at a time, then posted to the callback URL.

    ``state``: pending (not yet due), posting (due, on its way or to be retried), answered (a 2xx came),
    failed (gave up), unposted (no callback URL was set when it fell due).
    """

    id: int
    message_id: int
    mobile: str
    callback_id: str
    status: str
    error_code: int
    due_at: float
    submit_at: float
    done_at: float
    state: str = "pending"
    tries: int = 0
    attempts: list[Attempt] = field(default_factory=list)


@dataclass(slots=True)
class Message:
    """One text that one phone received."""

    id: int
    call_id: int
    mobile: str
    country: str
    text: str
    otp: str | None
    sender: str
    channel: str
    kind: str
    message_type: str
    received_at: float
    verification_id: str
    transaction_id: str
    status: str = "sent"
    reports: list[Report] = field(default_factory=list)


@dataclass(slots=True)
class Verification:
    """One VerifyNow verification. ``code`` is None for SAUTH, where no text goes out."""

    id: str
    mobile: str
    country: str
    national: str
    code: str | None
    transaction_id: str
    sent_at: float
    expires_at: float
    verified: bool = False
    wrong: int = 0
