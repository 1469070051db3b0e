"""What a guard answers, and what it is asked about."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime

from django_messagecentral.conf import app_settings
from django_messagecentral.phones import Phone
from django_messagecentral.verification.reasons import Reason

logger = logging.getLogger("django_messagecentral.verification.guards")


@dataclass(frozen=True, slots=True)
class Verdict:
    """A refusal: why, from when it may be different (aware; None = nobody knows), and what ran out."""

    reason: Reason
    retry_at: datetime | None = None
    scope: str = ""


class Refused(Exception):
    """Carries a :class:`Verdict` out of the reservation, which is undone as a whole."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason.value)
        self.verdict = verdict


@dataclass(slots=True)
class Ask:
    """One wish to send a code. ``allowance``: the subject if it has verified this phone before, or empty."""

    phone: Phone
    purpose: str
    subject: str
    channel: str
    allowance: str = ""
    user_id: str = ""
    ip: str = ""
    email: str = ""  # where a code by e-mail may go; empty when it may not
    would_refuse: list[Verdict] = field(default_factory=list)
    noted: int = 0  # how many of them came before the database's own

    @property
    def block(self) -> str:
        """The number block: all but the last three digits."""
        return self.phone.e164[:-3]

    def refuse(self, verdict: Verdict) -> None:
        """Raise :class:`Refused`; in a dry run only take note."""
        if not app_settings.OTP_DRY_RUN:
            raise Refused(verdict)
        self.would_refuse.append(verdict)
