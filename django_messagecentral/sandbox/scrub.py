"""Takes the secrets and the people out of a recording, so that it can be kept as a test."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

MASK = "***"
TOKEN = "<token>"  # noqa: S105 (what stands for one)
MOBILE = "<mobileNumber>"
_HIDDEN = frozenset({"key", "password", "email", "code", "message", "messageText", "account", "mid"})
_TOKENS = frozenset({"authToken", "token"})
_MOBILES = frozenset({"mobileNumber", "mobile"})
_IDS = frozenset({"verificationId", "transactionId", "messageId", "templateId", "entityId", "customerId"})
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)


class Scrubber:
    """Replaces what is secret or personal; the same thing always by the same stand-in, of the same shape."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._numbers = 0

    def params(self, params: Mapping[str, str]) -> dict[str, str]:
        """A request's parameters."""
        return {name: str(self._value(name, value, asked=True)) for name, value in params.items()}

    def learn(self, secret: str) -> None:
        """A secret that must not appear anywhere, whatever its field."""
        if len(secret) >= 4:
            self._known.setdefault(secret, MASK)

    def body(self, content: str) -> str:
        """An answer's body: JSON field by field, anything else by what is known to be secret."""
        try:
            parsed = json.loads(content)
        except ValueError:
            return self._text(content)
        return json.dumps(self._walk(parsed), ensure_ascii=False)

    def _walk(self, value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: self._walk(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self._walk(item, name) for item in value]
        return self._value(name, value)

    def _value(self, name: str, value: Any, *, asked: bool = False) -> Any:
        if value is None or isinstance(value, bool) or value == "":
            return value
        text = str(value)
        if name in _TOKENS:
            return self._stand_in(text, TOKEN)
        if name in _MOBILES:
            return self._stand_in(text, MOBILE)
        if name == "phoneNumbers":
            return self._stand_in(text, MASK)
        if name in _IDS:
            made = self._known.get(text) or self._id(name, text)
            self._known[text] = made
            return int(made) if isinstance(value, int) else made
        # An answer's "message" is the vendor's word for its code; a request's is what a person reads.
        if name in _HIDDEN and (asked or name != "message"):
            return self._stand_in(text, MASK)
        return self._text(text) if isinstance(value, str) else value

    def _stand_in(self, text: str, stand_in: str) -> str:
        if len(text) >= 4:
            self._known.setdefault(text, stand_in)
        return stand_in

    def _id(self, name: str, text: str) -> str:
        if name == "customerId":
            return "C-RECORDED"
        self._numbers += 1
        if _UUID.match(text):
            return f"00000000-0000-4000-8000-{self._numbers:012d}"
        if text.isdigit():
            return (
                "1" + str(self._numbers).zfill(len(text) - 1)[-(len(text) - 1) :] if len(text) > 1 else text
            )
        return f"{name}-{self._numbers}"

    def _text(self, text: str) -> str:
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, self._known[secret])
        return text
