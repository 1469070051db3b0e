"""One call to the vendor as a value: it never raises and never touches the database.

Threads of a sending pool run only this.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from django_messagecentral.client import SendResult
from django_messagecentral.exceptions import (
    AuthenticationFailed,
    MaximumLimitReached,
    MessageCentralError,
    Outcome,
    RateLimited,
)

logger = logging.getLogger("django_messagecentral.messages")


@dataclass(frozen=True, slots=True)
class CallResult:
    """How one call ended. ``retry_after`` in seconds; times are aware UTC."""

    outcome: Outcome
    started_at: datetime
    finished_at: datetime
    code: int | None = None
    http_status: int | None = None
    detail: str = ""
    transaction_id: str = ""
    retry_after: float | None = None
    slow_down: bool = False  # the vendor asked for a slower pace
    bad_account: bool = False  # no message of this account can leave now


def _plain(text: str) -> str:
    """Without what no database stores: NUL and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()


def call(send: Callable[[], SendResult]) -> CallResult:
    """Run ``send`` and say what became of it. An error of unknown kind counts as "may have left"."""
    started = timezone.now()
    try:
        sent = send()
    except MessageCentralError as error:
        return CallResult(
            outcome=error.outcome,
            started_at=started,
            finished_at=timezone.now(),
            code=error.code,
            http_status=error.http_status,
            detail=_plain(str(error))[:300],
            transaction_id=(error.transaction_id or "")[:64],
            retry_after=error.retry_after,
            slow_down=isinstance(error, (RateLimited, MaximumLimitReached)),
            bad_account=isinstance(error, AuthenticationFailed),
        )
    except Exception as error:
        logger.exception("the backend raised an unexpected error")
        return CallResult(
            Outcome.MAY_HAVE_LEFT, started, timezone.now(), detail=f"{type(error).__name__} in the backend"
        )
    return CallResult(
        outcome=Outcome.ACCEPTED,
        started_at=started,
        finished_at=timezone.now(),
        code=sent.code,
        http_status=200,
        transaction_id=(sent.transaction_id or "")[:64],
    )
