"""What a code costs: charged when it has left, beside the messages, under the verification's purpose."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django_messagecentral.conf import app_settings
from django_messagecentral.messaging import spending
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.segments import count_segments
from django_messagecentral.verification.email import EMAIL
from django_messagecentral.verification.models import Challenge
from django_messagecentral.verification.states import ChallengeMode

OTP = "OTP"  # the message type
_PAID = (ChallengeMode.VENDOR, ChallengeMode.OWN, ChallengeMode.FOREIGN)


@dataclass(frozen=True, slots=True)
class Charge:
    """``segments`` and their cost by the site's rates (0 where none matches)."""

    segments: int
    cost: Decimal


def charge_for(challenge: Challenge, code: str) -> Charge | None:
    """What ``challenge`` costs once it has left. None for what costs nothing: e-mail, a decoy, a fixed code.

    The vendor's own text is not seen; it is one segment. ``code`` is not kept.
    """
    if challenge.mode not in _PAID or challenge.channel == EMAIL:
        return None
    ours = challenge.mode != ChallengeMode.VENDOR
    segments = count_segments(app_settings.OTP_TEMPLATE.format(code=code)) if ours else 1
    cost = RateCard.of_day().cost(
        segments, channel=challenge.channel, message_type=OTP, country=challenge.region
    )
    return Charge(segments, cost or Decimal(0))


def record(challenge: Challenge, charge: Charge | None) -> None:
    """Count ``charge``, in the transaction that writes down that the code has left."""
    if charge is not None:
        spending.record(
            channel=challenge.channel,
            message_type=OTP,
            country=challenge.region,
            segments=charge.segments,
            cost_micros=round(charge.cost * 1_000_000),
            purpose=challenge.purpose,
        )
