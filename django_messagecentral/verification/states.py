"""The states of a verification and of a code, and the one table of allowed changes between them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class VerificationStatus(models.TextChoices):
    """Where a verification is. ``verified`` is consumed once, by its proof."""

    PENDING = "pending", _("waiting for the code")
    VERIFIED = "verified", _("verified")
    FAILED = "failed", _("failed")
    EXPIRED = "expired", _("expired")
    CANCELLED = "cancelled", _("cancelled")


_S = VerificationStatus

TRANSITIONS: dict[VerificationStatus, frozenset[VerificationStatus]] = {
    _S.PENDING: frozenset({_S.VERIFIED, _S.FAILED, _S.EXPIRED, _S.CANCELLED}),
    # The vendor sends no second code while one lives, so a new code is asked for after the first expired.
    _S.EXPIRED: frozenset({_S.PENDING, _S.CANCELLED}),
    _S.VERIFIED: frozenset(),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}


def sources_of(new: VerificationStatus) -> list[VerificationStatus]:
    """The states from which ``new`` may be entered: the WHERE of the conditional UPDATE."""
    return [old for old, allowed in TRANSITIONS.items() if new in allowed]


class ChallengeStatus(models.TextChoices):
    """Where one code is. The first four may hold the phone's ``living_key``."""

    SENDING = "sending", _("being sent")
    LIVING = "living", _("living")
    SPENT = "spent", _("attempts spent")
    HELD = "held", _("held: the vendor may have a living code")
    USED = "used", _("used")
    EXPIRED = "expired", _("expired")
    CLOSED = "closed", _("closed by a newer code")
    UNSENT = "unsent", _("not sent")


class Proves(models.TextChoices):
    """What a verification proved. A code that came by e-mail proves no phone."""

    PHONE = "phone", _("a phone")
    EMAIL = "email", _("an e-mail address")


class ChallengeMode(models.TextChoices):
    """Who makes and checks the code."""

    VENDOR = "vendor", _("the vendor (VerifyNow)")
    OWN = "own", _("this site")
    FOREIGN = "foreign", _("another package of this site's")
    DECOY = "decoy", _("nobody: a decoy")
    REVIEWER = "reviewer", _("a reviewer's fixed code")
