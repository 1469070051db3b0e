"""What a segment costs, by the site's rate table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import timezone

from django_messagecentral.messaging.models import Rate


@dataclass(frozen=True, slots=True)
class RateCard:
    """The rates of one day, held in memory: a campaign asks a million times."""

    rates: tuple[Rate, ...]

    @classmethod
    def of_day(cls, day: date | None = None) -> RateCard:
        """The rates valid on ``day`` (today by default)."""
        day = day or timezone.now().date()
        return cls(
            tuple(
                rate
                for rate in Rate.objects.order_by("pk")
                if (rate.valid_from is None or rate.valid_from <= day)
                and (rate.valid_until is None or day <= rate.valid_until)
            )
        )

    def price(self, *, channel: str, message_type: str, country: str) -> Decimal | None:
        """Price of one segment, or None where no rate matches. The closest match wins,
        the newest among equals.
        """
        best: tuple[int, Rate] | None = None
        for rate in self.rates:
            if not all(
                own in ("", asked)
                for own, asked in (
                    (rate.channel, channel),
                    (rate.message_type, message_type),
                    (rate.country, country),
                )
            ):
                continue
            closeness = 4 * bool(rate.country) + 2 * bool(rate.channel) + bool(rate.message_type)
            if best is None or closeness >= best[0]:
                best = (closeness, rate)
        return best[1].price if best else None

    def cost(self, segments: int, *, channel: str, message_type: str, country: str) -> Decimal | None:
        """Cost of one message of ``segments``, or None where no rate matches."""
        price = self.price(channel=channel, message_type=message_type, country=country)
        return None if price is None else price * segments
