"""The policies: one interface, chosen by ``ROUTING``, a call of ``send_message``, or a campaign.

``fixed``
    The channel that was asked for, and no other.
``fallback``
    The channel that was asked for (without one the first of ``ROUTING_CHANNELS``), then the others of the
    list in their order: after a refusal, a report of failure, or ``ROUTING_FALLBACK_AFTER`` seconds.
``cheapest``
    The cheapest of ``ROUTING_CHANNELS`` by the rate table that is not known to fail for the number.

A site may name a policy of its own in ``ROUTING`` by its dotted path: a subclass of :class:`Policy`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.pricing import RateCard

NO_CHANNELS = _("This routing needs two or more channels: the site names none in ROUTING_CHANNELS.")


class Routing(models.TextChoices):
    """The policies of the app itself."""

    FIXED = "fixed", _("one channel")
    FALLBACK = "fallback", _("the next channel after a failure")
    CHEAPEST = "cheapest", _("the cheapest channel that works for the number")


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that is to be routed. ``channel`` is the one asked for, empty where none was."""

    phone: str
    country: str
    message_type: str
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a batch of messages: looked up once for all of them.

    ``channels``
        The site's, in its order.
    ``opted_out``, ``failing``
        Channels by phone: those it opted out of (for the messages' type), and those whose newest delivery
        report of the last ``ROUTING_MEMORY_DAYS`` is a failure.
    """

    channels: tuple[str, ...]
    rates: RateCard = field(default_factory=lambda: RateCard(()))
    opted_out: Mapping[str, Collection[str]] = field(default_factory=dict)
    failing: Mapping[str, Collection[str]] = field(default_factory=dict)

    def open_to(self, asked: Asked) -> list[str]:
        """The channels that the phone has not opted out of."""
        return [name for name in self.channels if name not in self.opted_out.get(asked.phone, ())]

    def price(self, asked: Asked, channel: str) -> Decimal | None:
        """Of a segment; None where no rate matches."""
        return self.rates.price(channel=channel, message_type=asked.message_type, country=asked.country)


class Policy:
    """``first`` names the channel to begin with, ``following`` the next one, or an empty string for none.

    Neither looks anything up: what they may know is handed to them. ``follows`` says whether there is ever a
    next one, ``chooses`` whether ``first`` depends on the number.
    """

    follows = False
    chooses = False

    def first(self, asked: Asked, known: Known) -> str:
        return asked.channel or app_settings.CHANNEL

    def following(self, asked: Asked, known: Known, tried: Collection[str]) -> str:
        return ""


class Fixed(Policy):
    """The channel that was asked for."""


class Fallback(Policy):
    """One after the other, each once."""

    follows = True

    def first(self, asked: Asked, known: Known) -> str:
        return asked.channel or next(iter(known.channels), app_settings.CHANNEL)

    def following(self, asked: Asked, known: Known, tried: Collection[str]) -> str:
        return next((name for name in known.open_to(asked) if name not in tried), "")


class Cheapest(Policy):
    """By price, then by the site's order; a channel without a rate comes last. If all of them are known to
    fail, the cheapest is tried again.
    """

    chooses = True

    def first(self, asked: Asked, known: Known) -> str:
        allowed = known.open_to(asked) or list(known.channels)
        failing = known.failing.get(asked.phone, ())
        working = [name for name in allowed if name not in failing] or allowed

        def by_price(channel: str) -> tuple[bool, Decimal]:
            price = known.price(asked, channel)
            return price is None, price or Decimal(0)

        return min(working, key=by_price, default=asked.channel or app_settings.CHANNEL)


_OWN: dict[str, type[Policy]] = {
    Routing.FIXED: Fixed,
    Routing.FALLBACK: Fallback,
    Routing.CHEAPEST: Cheapest,
}


def load_policy(name: str) -> type[Policy]:
    """The class that ``name`` (a policy's, or a dotted path) means. Raises ImproperlyConfigured."""
    if name in _OWN:
        return _OWN[name]
    try:
        found = import_string(name)
    except ImportError as error:
        raise ImproperlyConfigured(f"the routing policy {name!r} cannot be imported: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Policy)):
        raise ImproperlyConfigured(f"the routing policy {name!r} is not a subclass of Policy")
    return found


def policy(name: str = "") -> Policy:
    """The policy called ``name``, by default the site's. Raises ImproperlyConfigured."""
    return load_policy(name or app_settings.ROUTING)()


def in_use() -> bool:
    """Whether messages of this site may have more than one channel: otherwise nothing is looked up."""
    return len(app_settings.ROUTING_CHANNELS) > 1


def may_be(name: str) -> bool:
    """Whether the site has channels enough for the policy ``name``. Raises ImproperlyConfigured."""
    found = load_policy(name) if name else Policy
    return in_use() or not (found.follows or found.chooses)


def following_names() -> list[str]:
    """Values of ``Campaign.routing`` whose messages go on by another channel."""
    names = [name for name, kind in _OWN.items() if kind.follows]
    return [*names, ""] if policy().follows else names
