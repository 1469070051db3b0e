"""What verifications hear of the rest of the app."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from django_messagecentral.signals import callback_received
from django_messagecentral.verification.flows import fallback

NOT_DELIVERED = ("UNDELIV", "EXPIRED", "REJECTD")  # vendor document, SMS Callback Integration


@receiver(callback_received, dispatch_uid="django_messagecentral.verification.fallback")
def fall_back_from_undelivered(callback: Any, **_: Any) -> None:
    """A delivery report says that a code of this site's own did not arrive: the next channel, in a task."""
    from django_messagecentral.verification import tasks

    if callback.vendor_status.upper() in NOT_DELIVERED:
        for challenge_id in fallback.undelivered(callback.vendor_message_id):
            tasks.fall_back.delay(challenge_id)
