"""A span around each exchange with the vendor: how it ended, and nothing of what was in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from django_messagecentral import tracing
from django_messagecentral.exceptions import MessageCentralError, Outcome

_NOTHING: AbstractContextManager[None] = nullcontext()


def vendor_call(operation: str, channel: str) -> AbstractContextManager[None]:
    """``operation``: token, otp, validate or message; ``channel``: the flowType, where the call has one."""
    return _traced(operation, channel) if tracing.INSTALLED else _NOTHING


@contextmanager
def _traced(operation: str, channel: str) -> Iterator[None]:
    refusal: MessageCentralError | None = None
    with tracing.span(f"messagecentral.vendor.{operation}", is_call=True, channel=channel):
        try:
            yield
        except MessageCentralError as error:
            refusal = error
            tracing.note(outcome=error.outcome.value, response_code=error.code, http_status=error.http_status)
            tracing.note(error=type(error).__name__)
            if error.outcome is not Outcome.REFUSED:  # a wrong number or code is an answer like any other
                tracing.failed()
        else:
            tracing.note(outcome=Outcome.ACCEPTED.value, response_code=200, http_status=200)
    if refusal is not None:
        raise refusal
