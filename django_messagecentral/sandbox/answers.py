"""Answers as bytes on the wire, and the vendor's words for its 13 codes (vendor document, Response Codes)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CODES: dict[int, str] = {
    200: "SUCCESS",
    400: "BAD_REQUEST",
    409: "DUPLICATE_RESOURCE",
    500: "SERVER_ERROR",
    501: "INVALID_CUSTOMER_ID",
    505: "INVALID_VERIFICATION_ID",
    506: "REQUEST_ALREADY_EXISTS",
    511: "INVALID_COUNTRY_CODE",
    700: "VERIFICATION_FAILED",
    702: "WRONG_OTP_PROVIDED",
    703: "ALREADY_VERIFIED",
    705: "VERIFICATION_EXPIRED",
    800: "MAXIMUM_LIMIT_REACHED",
}
REASONS = {
    200: "OK", 204: "No Content", 302: "Found", 303: "See Other", 304: "Not Modified", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
    411: "Length Required", 413: "Content Too Large", 415: "Unsupported Media Type",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
    505: "HTTP Version Not Supported",
}  # fmt: skip
JSON = "application/json"
HTML = "text/html; charset=utf-8"


@dataclass(slots=True)
class Answer:
    """An answer, and the mischief with which it is given.

    ``delay``: seconds before it is written. ``fault``: "" (written whole), "reset" (the connection is reset
    instead) or "half" (the first half of the body, then the connection closes).
    ``poll``: for a long poll, asked again whenever the sandbox changes until it gives an Answer or
    ``poll_seconds`` (real time) have passed, when this answer itself is given.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    fault: str = ""
    code: int | None = None
    poll: Callable[[], Answer | None] | None = field(default=None, repr=False)
    poll_seconds: float = 0.0


def json_answer(value: Any, status: int = 200, **more: Any) -> Answer:
    """A JSON answer."""
    return Answer(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), **more)


def html_answer(page: str, status: int = 200, **more: Any) -> Answer:
    """An HTML page."""
    return Answer(status, page.encode(), HTML, **more)


def problem(status: int, reason: str) -> Answer:
    """An error of the control API: ``{"error": reason}``."""
    return json_answer({"error": reason}, status)
