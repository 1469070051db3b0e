"""Public signals. Each is sent after the database commit of what it tells; a receiver that raises
is logged and stops neither the others nor the work (``send_robust``).

``phone_verified``
    ``sender`` the Verification class, ``verification``, ``phone`` (E.164), ``user`` (or None),
    ``request`` (or None).
``verification_failed``
    ``sender`` the Verification class, ``verification``, ``reason`` (a stable code).
``otp_budget_spent``
    The site's daily budget of OTP sends is spent, once a day. ``sender`` the Verification class,
    ``day`` (UTC date),
    ``budget``.
``message_sent``
    The vendor took a message. ``sender`` the Message class, ``change``
    (:class:`~django_messagecentral.messaging.transitions.StatusChange`).
``message_status_changed``
    Any change of a message's status after it was queued, exactly once a change. Arguments as
    ``message_sent``.
``callback_received``
    A delivery report was stored (once a report, however often it comes). ``sender`` the Callback
    class, ``event``
    (:class:`~django_messagecentral.callbacks.report.DeliveryEvent`, the report in one shape) and
    ``callback``, its row.
``inbound_received``
    A person sent a text to the site. ``sender`` the InboundMessage class, ``message``, its row.
``budget_warning``
    A budget has reached its warning, once a period. ``sender`` the Budget class, ``budget``,
    ``spent`` (Decimal).
``budget_spent``
    A budget is spent, once a period. Arguments as ``budget_warning``.
``campaign_completed``
    No recipient of a campaign waits any longer. ``sender`` the Campaign class, ``campaign``.
"""

from __future__ import annotations

import logging
from typing import Any

from django.dispatch import Signal

logger = logging.getLogger("django_messagecentral.signals")

phone_verified = Signal()
verification_failed = Signal()
otp_budget_spent = Signal()
message_sent = Signal()
message_status_changed = Signal()
callback_received = Signal()
inbound_received = Signal()
budget_warning = Signal()
budget_spent = Signal()
campaign_completed = Signal()


def send(signal: Signal, sender: Any, **arguments: Any) -> None:
    """Send ``signal`` so that a receiver's error is logged with its traceback and goes no further."""
    for receiver, answer in signal.send_robust(sender=sender, **arguments):
        if isinstance(answer, Exception):
            logger.error("A signal receiver failed: %r", receiver, exc_info=answer)
