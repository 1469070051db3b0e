"""Requests as they came, with their secrets masked: for the inbox, the file and curl commands."""

from __future__ import annotations

import re
import shlex

from .model import Call

MASK = "***"
_SECRET_HEADERS = frozenset({"authtoken", "password", "authorization", "cookie", "proxy-authorization"})
_SECRET_PARAMS = re.compile(r"((?:^|[?&;])(?:key|password|authToken|token)=)[^&#;\s]*", re.IGNORECASE)
_SECRET_JSON = re.compile(r'("(?:key|password|authToken|token)"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)
_SECRET_PARTS = re.compile(
    r'(name="?(?:key|password|authToken|token)"?[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)[^\r\n]*', re.IGNORECASE
)
_HOP_HEADERS = frozenset(
    {"host", "content-length", "connection", "accept-encoding", "expect", "transfer-encoding"}
)


def masked_headers(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers in their order, values of secret ones masked."""
    return [(name, MASK if name.lower() in _SECRET_HEADERS else value) for name, value in headers]


def masked_target(target: str) -> str:
    """Path and query string, values of secret parameters masked."""
    return _SECRET_PARAMS.sub(rf"\g<1>{MASK}", target)


def masked_body(body: bytes) -> str:
    """The body as text with secrets masked; a body that is not text is only described."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return f"({len(body)} bytes that are not text)"
    if not text.isprintable() and any(ord(char) < 32 and char not in "\r\n\t" for char in text):
        return f"({len(body)} bytes that are not text)"
    text = _SECRET_PARAMS.sub(rf"\g<1>{MASK}", text)
    text = _SECRET_JSON.sub(rf'\g<1>"{MASK}"', text)
    return _SECRET_PARTS.sub(rf"\g<1>{MASK}", text)


def curl(call: Call, base_url: str) -> str:
    """The request as a curl command, secrets masked; a file is named, not repeated."""
    parts = ["curl", "--request", call.method, base_url + masked_target(call.target)]
    content_type = next((value for name, value in call.headers if name.lower() == "content-type"), "")
    for name, value in masked_headers(call.headers):
        if name.lower() not in _HOP_HEADERS and not (call.body and content_type.startswith("multipart/")):
            parts += ["--header", f"{name}: {value}"]
    if call.body and content_type.startswith("multipart/"):
        parts += ["--header", f"authToken: {MASK}", "--form", "file=@recipients.xlsx"]
    elif call.body:
        parts += ["--data-raw", masked_body(call.body)]
    return " ".join(shlex.quote(part) for part in parts)
