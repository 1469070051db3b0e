"""What a segment costs, by the site's rate table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.models import Rate
from django_messagecentral.messaging.spending import Key, segments_of_month

_Step = tuple[int, Decimal | None]  # (from how many further segments on, price a segment)


@dataclass(frozen=True, slots=True)
class RateCard:
    """The rates of one day, held in memory: a campaign asks a million times.

    ``used`` are the segments of the month so far, for volume tiers; they are those of the moment the card
    was made, so a tier begins with the first card made after it is reached (a campaign makes one a slice,
    ``DISPATCH_SLICE`` seconds).
    """

    rates: tuple[Rate, ...]
    used: Mapping[Key, int] = field(default_factory=dict)
    _steps: dict[tuple[str, str, str], list[_Step]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of_day(cls, day: date | None = None) -> RateCard:
        """The rates valid on ``day`` (today, UTC, by default) in the site's currency."""
        day = day or timezone.now().date()
        rates = tuple(
            rate
            for rate in Rate.objects.filter(currency=app_settings.CURRENCY).order_by("pk")
            if (rate.valid_from is None or rate.valid_from <= day)
            and (rate.valid_until is None or day <= rate.valid_until)
        )
        tiered = any(rate.from_segments for rate in rates)
        return cls(rates, segments_of_month(day) if tiered else {})

    def price(self, *, channel: str, message_type: str, country: str) -> Decimal | None:
        """Price of the next segment, or None where no rate matches. The closest match wins, the newest among
        equals.
        """
        return self._ladder(channel, message_type, country)[0][1]

    def cost(self, segments: int, *, channel: str, message_type: str, country: str) -> Decimal | None:
        """Cost of ``segments`` more, each at the price of its tier; None where no rate matches."""
        ladder = self._ladder(channel, message_type, country)
        total = Decimal(0)
        for (start, price), end in zip(ladder, [step[0] for step in ladder[1:]] + [segments], strict=True):
            count = min(end, segments) - start
            if count > 0 or start == 0:
                if price is None:
                    return None
                total += price * max(count, 0)
        return total

    def after(self, segments: int, *, channel: str, message_type: str, country: str) -> RateCard:
        """The card once ``segments`` more are used: whoever adds up several costs goes from card to card, or
        each of them would begin in the same tier.
        """
        key = (channel, message_type, country)
        return RateCard(self.rates, {**self.used, key: self.used.get(key, 0) + segments})

    def _ladder(self, channel: str, message_type: str, country: str) -> list[_Step]:
        """Prices from now on: at least one step, the first begins at 0."""
        asked = (channel, message_type, country)
        if asked not in self._steps:
            scopes = self._scopes(asked)
            starts = {0}
            for tiers, used in scopes:
                starts |= {start - used for start in tiers if start > used}
            self._steps[asked] = [(start, _price_at(scopes, start)) for start in sorted(starts)]
        return self._steps[asked]

    def _scopes(self, asked: tuple[str, str, str]) -> list[tuple[dict[int, Decimal], int]]:
        """(price by tier, segments used so far) of each scope that matches, the closest first."""
        found: dict[tuple[str, str, str], dict[int, Decimal]] = {}
        for rate in self.rates:  # by age: a newer one replaces an older
            scope = (rate.channel, rate.message_type, rate.country)
            if _matches(scope, asked):
                found.setdefault(scope, {})[rate.from_segments] = rate.price
        closest_first = sorted(found, key=lambda s: (bool(s[2]), bool(s[0]), bool(s[1])), reverse=True)
        return [(found[scope], self._used_in(scope)) for scope in closest_first]

    def _used_in(self, scope: tuple[str, str, str]) -> int:
        return sum(segments for key, segments in self.used.items() if _matches(scope, key))


def _matches(scope: Iterable[str], asked: Iterable[str]) -> bool:
    return all(own in ("", given) for own, given in zip(scope, asked, strict=True))


def _price_at(scopes: list[tuple[dict[int, Decimal], int]], further: int) -> Decimal | None:
    for tiers, used in scopes:
        reached = [start for start in tiers if start <= used + further]
        if reached:
            return tiers[max(reached)]
    return None
