"""What the service answers: values with a reason and times, never a bare boolean."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral.verification.durations import spoken
from django_messagecentral.verification.reasons import Reason

if TYPE_CHECKING:
    from django_messagecentral.verification.models import Verification


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """``reason`` is a stable code; ``retry_at`` (aware) says from when the same request may succeed."""

    ok: bool
    reason: Reason
    verification: Verification | None = None
    retry_at: datetime | None = None
    detail: str = ""  # a more exact sentence than the reason's, already translated

    def __bool__(self) -> bool:
        return self.ok

    @property
    def retry_after(self) -> int | None:
        """Whole seconds until ``retry_at``; None when no time is known or it has come."""
        if self.retry_at is None or self.retry_at <= timezone.now():
            return None
        return max(1, ceil((self.retry_at - timezone.now()).total_seconds()))

    @property
    def message(self) -> str:
        """A sentence for a person, in the active language, with the time to wait when there is one."""
        text = self.detail or str(self.reason.label)
        wait = self.retry_after
        if wait is None or self.ok:
            return text
        return _("%(text)s You can try again in %(time)s.") % {"text": text, "time": spoken(wait)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartResult(Result):
    """``ok``: there is a living code to enter for ``verification``; ``sent``: this very call sent it.

    ``token`` is there when neither user, session nor subject was given: the caller's only key to the
    verification.
    """

    sent: bool = False
    token: str = field(default="", repr=False)

    @property
    def resend_at(self) -> datetime | None:
        return self.verification.resend_at if self.verification else None

    @property
    def expires_at(self) -> datetime | None:
        return self.verification.expires_at if self.verification else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult(Result):
    """``proof`` is there only in the answer that verified the phone."""

    attempts_left: int | None = None
    proof: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofResult(Result):
    """``phone`` is the number that was verified (E.164), never one from the request."""

    phone: str = ""
    channel: str = ""
