"""Codes as people type them, and the codes this site makes itself."""

from __future__ import annotations

import secrets
import unicodedata

from django.utils.crypto import constant_time_compare, salted_hmac

MIN_LENGTH = 4  # vendor document, Send OTP: otpLength is 4 to 8
MAX_LENGTH = 8
_BETWEEN = ".\u2212"  # full stop and minus sign
_UNSEEN = ("Pd", "Cf")  # dashes; invisible marks of direction
_KEY_SALT = "django_messagecentral.verification.own-code"


def normalise_code(raw: object) -> str:
    """The digits of a typed or pasted code, in any script and grouping; empty if it cannot be a code."""
    text = unicodedata.normalize("NFKC", str(raw))[:64]
    digits = ""
    for character in text:
        value = unicodedata.decimal(character, None)
        if value is not None:
            digits += str(value)
        elif not (character.isspace() or character in _BETWEEN or unicodedata.category(character) in _UNSEEN):
            return ""
    return digits if MIN_LENGTH <= len(digits) <= MAX_LENGTH else ""


def make_code(length: int) -> str:
    """A random code of ``length`` digits; leading zeros are as likely as others."""
    return "".join(secrets.choice("0123456789") for _ in range(length))


def make_salt() -> str:
    return secrets.token_hex(16)


def hash_code(salt: str, code: str) -> str:
    """HMAC-SHA256 of the code, its key derived from SECRET_KEY: useless to who has only the database."""
    return salted_hmac(_KEY_SALT, f"{salt}:{code}", algorithm="sha256").hexdigest()


def code_matches(salt: str, code_hash: str, code: str) -> bool:
    """Compared in constant time; an empty hash (wiped, or a decoy) matches nothing."""
    return bool(code_hash) and constant_time_compare(hash_code(salt, code), code_hash)
