"""OpenTelemetry spans, if ``opentelemetry-api`` is installed; else nothing, for next to nothing.

========================================  ==========================================================
``messagecentral.vendor.<operation>``     one HTTP exchange with the vendor (``token``, ``otp``,
                                          ``validate``, ``message``)
``messagecentral.campaign.slice``         one puller's slice of a campaign; the calls are its children
``messagecentral.webhook.receive``        reports stored
``messagecentral.callbacks.batch``        reports processed
``messagecentral.webhooks.post``          one POST to a subscriber of this site's own
========================================  ==========================================================

Attributes are named ``messagecentral.*``. None of them, and no event, holds a phone, a text, a code, a
secret or an error's text: exceptions are told by their class.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ParamSpec, TypeVar

try:
    from opentelemetry import context, trace
except ImportError:
    INSTALLED = False
else:
    INSTALLED = True

P = ParamSpec("P")
T = TypeVar("T")

SCOPE = "django_messagecentral"
_NOTHING: AbstractContextManager[None] = nullcontext()


def span(name: str, *, is_call: bool = False, **attributes: object) -> AbstractContextManager[None]:
    """A span around what is done inside; ``is_call``: it waits for another server. It is an error if it
    raises.
    """
    return _span(name, is_call, attributes) if INSTALLED else _NOTHING


@contextmanager
def _span(name: str, is_call: bool, attributes: dict[str, object]) -> Iterator[None]:
    kind = trace.SpanKind.CLIENT if is_call else trace.SpanKind.INTERNAL
    tracer = trace.get_tracer(SCOPE)
    with tracer.start_as_current_span(
        name, kind=kind, record_exception=False, set_status_on_exception=False
    ) as current:
        note(**attributes)
        try:
            yield
        except BaseException as error:
            current.set_attribute("error.type", type(error).__name__)
            failed()
            raise


def traced(name: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Run the function in a span."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        if not INSTALLED:
            return function

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> T:
            with span(name):
                return function(*args, **kwargs)

        return run

    return decorate


def note(**attributes: object) -> None:
    """Set ``messagecentral.<name>`` on the span this runs in; None and empty texts are left out."""
    if INSTALLED:
        current = trace.get_current_span()
        for name, value in attributes.items():
            if value is not None and value != "":
                current.set_attribute(f"messagecentral.{name}", _plain(value))


def failed() -> None:
    """The span this runs in is an error."""
    if INSTALLED:
        trace.get_current_span().set_status(trace.StatusCode.ERROR)


def carried(function: Callable[P, T]) -> Callable[P, T]:
    """``function`` for another thread: it runs there in the span that this one is in."""
    if not INSTALLED:
        return function
    here = context.get_current()

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        token = context.attach(here)
        try:
            return function(*args, **kwargs)
        finally:
            context.detach(token)

    return run


def _plain(value: Any) -> str | bool | int | float:
    return value if isinstance(value, (bool, int, float)) else str(value)
