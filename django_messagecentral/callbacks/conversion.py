"""What becomes of one-time codes: sent, delivered, entered, by channel, country and hour (UTC).

Delivered counts codes for which a delivery report said so; VerifyNow's codes are reported under the send's
transaction id like any message's. A channel whose codes are delivered and not entered is being pumped; one
whose codes are not delivered needs another fallback.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import TruncHour

from django_messagecentral.callbacks.models import Callback
from django_messagecentral.verification.models import Challenge
from django_messagecentral.verification.states import ChallengeMode, ChallengeStatus

DELIVERED = "DELIVRD"  # vendor document, SMS Callback Integration


@dataclass(frozen=True, slots=True)
class Conversion:
    """One channel, one country, one hour; the numbers are codes."""

    hour: datetime
    channel: str
    country: str
    sent: int
    delivered: int
    entered: int


def conversion(since: datetime, until: datetime) -> list[Conversion]:
    """Codes sent from ``since`` (aware) up to and not including ``until``, the oldest hour first."""
    told = Callback.objects.filter(challenge=OuterRef("pk"), vendor_status__iexact=DELIVERED)
    rows = (
        Challenge.objects.filter(sent_at__gte=since, sent_at__lt=until)
        .exclude(status=ChallengeStatus.UNSENT)
        .exclude(mode__in=(ChallengeMode.DECOY, ChallengeMode.REVIEWER))
        .annotate(_hour=TruncHour("sent_at"), _told=Exists(told))
        .values_list("_hour", "channel", "region")
        .annotate(
            sent=Count("pk"),
            delivered=Count("pk", filter=Q(_told=True)),
            entered=Count("pk", filter=Q(status=ChallengeStatus.USED)),
        )
        .order_by("_hour", "channel", "region")
    )
    return [Conversion(*row) for row in rows]
