"""Requests as they came, with their secrets masked: for the inbox, the file and curl commands."""

from __future__ import annotations

import re
import shlex
from urllib.parse import parse_qsl

from .model import Call
from .params import BadBodyError, closing, read_multipart

MASK = "***"
_SECRET_HEADERS = frozenset({"authtoken", "password", "authorization", "cookie", "proxy-authorization"})
_SECRET_FIELDS = frozenset({"key", "password", "authtoken", "token"})
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


def _content_type(call: Call) -> str:
    return next((value for name, value in call.headers if name.lower() == "content-type"), "")


def masked_form(call: Call) -> list[tuple[str, str]]:
    """The fields of a form or multipart body, secrets masked, files only described; else empty."""
    kind = _content_type(call)
    if kind.startswith("application/x-www-form-urlencoded"):
        pairs = parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True)
        return [(name, _masked_value(name, value)) for name, value in pairs]
    if not kind.startswith("multipart/form-data"):
        return []
    try:
        fields, files = read_multipart(kind, call.body + closing(kind))
    except BadBodyError:
        return []
    shown = [(name, _masked_value(name, value)) for name, value in fields.items()]
    return shown + [(name, f"({len(content):,} bytes)") for name, content in files.items()]


def _masked_value(name: str, value: str) -> str:
    return MASK if name.lower() in _SECRET_FIELDS else value


def curl(call: Call, base_url: str) -> str:
    """The request as a curl command, secrets masked; a file is named, not repeated."""
    parts = ["curl", "--request", call.method, base_url + masked_target(call.target)]
    multipart = bool(call.body) and _content_type(call).startswith("multipart/")
    for name, value in masked_headers(call.headers):
        if name.lower() not in _HOP_HEADERS and not (multipart and name.lower() == "content-type"):
            parts += ["--header", f"{name}: {value}"]
    if multipart:
        for name, value in masked_form(call):
            parts += ["--form", f"{name}=@recipients.xlsx" if name == "file" else f"{name}={value}"]
    elif call.body:
        parts += ["--data-raw", masked_body(call.body)]
    return " ".join(shlex.quote(part) for part in parts)
