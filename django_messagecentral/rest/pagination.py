"""Pages by cursor: the same cost at any depth, and no row twice or missed while new ones come in."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination

_SALT = b"django_messagecentral.cursor"
_NONCE, _SEAL = 8, 8  # bytes


class NewestFirst(CursorPagination):
    """``?cursor=`` and ``?page_size=``. A cursor holds the position in the table, which is nobody's business
    (it would tell how many messages the site sends), so it travels enciphered.
    """

    ordering: Any = "-pk"
    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"

    def encode_cursor(self, cursor: Cursor) -> str:
        url = super().encode_cursor(cursor)
        plain = url.split("cursor=", 1)[1].split("&", 1)[0]
        return url.replace(f"cursor={plain}", f"cursor={_encipher(unquote(plain))}")

    def decode_cursor(self, request: Any) -> Cursor | None:
        given = request.query_params.get(self.cursor_query_param)
        if given is None:
            return None
        plain = _decipher(given)
        if plain is None:
            raise NotFound(self.invalid_cursor_message)
        return super().decode_cursor(_WithCursor(plain))  # type: ignore[arg-type]


class _WithCursor:
    """As much of a request as the superclass looks at."""

    def __init__(self, cursor: str) -> None:
        self.query_params = {"cursor": cursor}


def _mask(nonce: bytes, length: int) -> bytes:
    return hashlib.shake_256(_SALT + settings.SECRET_KEY.encode() + nonce).digest(length)


def _seal(data: bytes) -> bytes:
    return salted_hmac(_SALT, data, algorithm="sha256").digest()[:_SEAL]


def _encipher(plain: str) -> str:
    nonce, data = secrets.token_bytes(_NONCE), plain.encode()
    hidden = nonce + bytes(a ^ b for a, b in zip(data, _mask(nonce, len(data)), strict=True))
    return base64.urlsafe_b64encode(hidden + _seal(hidden)).decode().rstrip("=")


def _decipher(given: str) -> str | None:
    """None for what is no cursor of ours."""
    try:
        data = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
    except (binascii.Error, ValueError):
        return None
    hidden, seal = data[:-_SEAL], data[-_SEAL:]
    if not constant_time_compare(seal, _seal(hidden)):
        return None
    nonce, body = hidden[:_NONCE], hidden[_NONCE:]
    return bytes(a ^ b for a, b in zip(body, _mask(nonce, len(body)), strict=True)).decode()
