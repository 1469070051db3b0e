"""Tokens as the vendor makes them: JWT, HS512, claims sub / iat / exp (seen in public clients)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from typing import Any

DASHBOARD_LIFETIME = 157_680_000.0
"""Seconds a token made in the vendor's dashboard lives: five years (tokens' claims)."""


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


_HEADER = _b64(b'{"alg":"HS512"}')


class Tokens:
    """Issues and checks tokens; a token or all of them can be ended at once."""

    def __init__(self, secret: bytes | None = None) -> None:
        self.secret = secret or secrets.token_bytes(64)
        self.revoked: set[str] = set()
        self._good: dict[str, float] = {}

    def issue(self, customer: str, now: float, lifetime: float) -> str:
        """A token for a customer id, living so many seconds from now."""
        issued = int(now)
        expires = issued + max(1, int(lifetime))
        token = self._signed(customer, issued, expires)
        while token in self.revoked:
            expires += 1
            token = self._signed(customer, issued, expires)
        return token

    def _signed(self, customer: str, issued: int, expires: int) -> str:
        claims = json.dumps({"sub": customer, "iat": issued, "exp": expires}, separators=(",", ":"))
        head = f"{_HEADER}.{_b64(claims.encode())}"
        return f"{head}.{_b64(hmac.digest(self.secret, head.encode(), hashlib.sha512))}"

    def good(self, token: str, now: float, *, any_account: bool = False) -> bool:
        """True for a living token of this sandbox; with ``any_account``, of anybody's that is not expired."""
        if token in self.revoked:
            return False
        expires = self._good.get(token)
        if expires is None:
            claims = self._claims(token, any_account)
            if claims is None:
                return False
            exp = claims.get("exp")
            expires = float(exp) if isinstance(exp, int | float) else float("inf")
            if len(self._good) >= 10_000:
                self._good.clear()
            self._good[token] = expires
        return now < expires

    def _claims(self, token: str, any_account: bool) -> dict[str, Any] | None:
        head, _, signature = token.rpartition(".")
        try:
            claims = json.loads(_unb64(head.partition(".")[2]))
            mark = _unb64(signature)
        except (ValueError, binascii.Error, RecursionError):
            return None
        if not isinstance(claims, dict):
            return None
        ours = hmac.compare_digest(mark, hmac.digest(self.secret, head.encode(), hashlib.sha512))
        return claims if ours or any_account else None

    def restore(self, secret: bytes, revoked: set[str]) -> None:
        """The key and the ended tokens of a sandbox that ran before."""
        self.secret, self.revoked = secret, revoked
        self._good.clear()

    def revoke(self, token: str) -> None:
        """End one token now."""
        self.revoked.add(token)

    def revoke_all(self) -> None:
        """End every token given out so far."""
        self.secret = secrets.token_bytes(64)
        self._good.clear()
        self.revoked.clear()
