"""Chance that can be repeated: every draw is a keyed hash of what it is for.

A draw depends on the seed, the phone and how many texts that phone had before, never on the order in which
requests of different phones arrive. So a run with a seed gives each phone the same codes, ids, outcomes and
delays, however many connections the client uses.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from uuid import UUID

_SCALE = 2.0**-64


class Draw:
    """The dice of one text: 64 bytes from BLAKE2b, cut into independent parts."""

    __slots__ = ("_bytes",)

    def __init__(self, raw: bytes) -> None:
        self._bytes = raw

    def code(self, digits: int) -> str:
        """An OTP of so many decimal digits."""
        number = int.from_bytes(self._bytes[0:12], "big") % 10**digits
        return str(number).zfill(digits)

    def unit(self, part: int) -> float:
        """A number in [0, 1); ``part`` is 0 to 2, each independent of the others."""
        start = 12 + 8 * part
        return int.from_bytes(self._bytes[start : start + 8], "big") * _SCALE

    def uuid(self) -> str:
        """A version 4 UUID."""
        return str(UUID(bytes=self._bytes[36:52], version=4))

    def number(self) -> int:
        """A whole number below 2**64, for what is left."""
        return int.from_bytes(self._bytes[52:60], "big")


class Dice:
    """Makes draws. With a seed they repeat from run to run; without one the key is 32 random bytes."""

    __slots__ = ("_key", "seed")

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self._key = secrets.token_bytes(32) if seed is None else blake2b(str(seed).encode()).digest()

    def draw(self, purpose: str, *about: object) -> Draw:
        """The dice for one purpose about one thing, for example ``draw("text", "919876543210", 0)``."""
        name = "\x1f".join((purpose, *map(str, about)))
        return Draw(blake2b(name.encode(), key=self._key).digest())
