"""Message Central's API in plain Python: nothing here needs Django.

::

    client = MessageCentralClient(customer_id="C-...", password="...")
    sent = client.send_otp("91", "9876543210", otp_length=6)
    client.validate_otp(sent.verification_id, "123456")
"""

from __future__ import annotations

from django_messagecentral.client.client import MessageCentralClient, longest_call
from django_messagecentral.client.codes import FlowType, MessageType, ResponseCode, SendType
from django_messagecentral.client.connections import only_while
from django_messagecentral.client.results import SendResult, ValidateResult
from django_messagecentral.client.tokens import MemoryTokenStore, Token, TokenStore

__all__ = [
    "FlowType",
    "MemoryTokenStore",
    "MessageCentralClient",
    "MessageType",
    "ResponseCode",
    "SendResult",
    "SendType",
    "Token",
    "TokenStore",
    "ValidateResult",
    "longest_call",
    "only_while",
]
