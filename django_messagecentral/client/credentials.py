"""Who calls: customer id and password, or customer id and ready key, or a ready token."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import dataclass

from django_messagecentral.client.tokens import Token
from django_messagecentral.exceptions import InvalidArgument


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """``key`` is the base64 of the password; ``country``: a dialling code, sent with the token call."""

    customer_id: str = ""
    key: str = ""
    token: Token | None = None
    country: str = ""
    email: str = ""
    scope: str = "NEW"

    def __repr__(self) -> str:
        return f"<Credentials {'with a ready token' if self.token else 'with customer id and key'}>"

    def token_query(self) -> list[tuple[str, str]]:
        """Parameters of the token call (vendor document, Generate Token)."""
        query = [("customerId", self.customer_id), ("key", self.key), ("scope", self.scope)]
        optional = (("country", self.country), ("email", self.email))
        return query + [(name, value) for name, value in optional if value]

    def fingerprint(self, base_url: str) -> str:
        """Changed credentials never find a token fetched with the old ones. Hex digits."""
        facts = [base_url, self.customer_id, self.key, self.scope, self.country, self.email]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def read_credentials(
    *, customer_id: str, password: str, key: str, token: str, country: str, email: str, scope: str
) -> Credentials:
    """Raises InvalidArgument for none, half of them, or both a password and a key."""
    values = [customer_id, password, key, token, country, email, scope]
    if not all(isinstance(value, str) for value in values):
        raise InvalidArgument("credentials are text")
    token, customer_id, key = token.strip(), customer_id.strip(), key.strip()
    if token:
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise InvalidArgument("the token holds characters that no token has")
        return Credentials(customer_id=customer_id, token=Token(token, math.inf))
    if not customer_id:
        raise InvalidArgument("give customer_id with a password or a key, or give a token")
    if bool(password) == bool(key):
        raise InvalidArgument("give either the password or its base64 key")
    return Credentials(
        customer_id=customer_id,
        key=key or base64.b64encode(_utf8(password)).decode(),
        country=country.strip().lstrip("+"),
        email=email.strip(),
        scope=scope.strip(),
    )


def _utf8(password: str) -> bytes:
    try:
        return password.encode()
    except UnicodeEncodeError:
        pass
    raise InvalidArgument("the password holds characters that cannot be sent")
