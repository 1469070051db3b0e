"""The link by which a person opts out: ``##unsubscribe##`` in a text, one click, RFC 8058's manner.

With ``UNSUBSCRIBE_URL`` set (``https://www.example.com/messagecentral/unsubscribe/``) the variable may stand
in every text, of a campaign or a single message. Until a message leaves, a placeholder of the link's exact
length stands in its place, so that segments and costs are right in every estimate.

The link names the message, not the phone: 32 characters, its id and a keyed hash of it (8 bytes of HMAC by
``SECRET_KEY``; retired keys in ``SECRET_KEY_FALLBACKS`` go on working).
"""

from __future__ import annotations

import base64
import binascii
import re
from uuid import UUID

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.models import Message, MessageType
from django_messagecentral.messaging.suppression import LINK, suppress

NAME = "unsubscribe"
_SALT = "django_messagecentral.unsubscribe"
_SIGNATURE_BYTES = 8
_PLACEHOLDER = "x" * 32
_VARIABLE = re.compile(r"##\s*unsubscribe\s*##", re.IGNORECASE)


def is_usable() -> bool:
    """Whether texts may have the variable: the site has said where its link leads."""
    return bool(app_settings.UNSUBSCRIBE_URL)


def is_used_in(text: str) -> bool:
    """Whether ``text`` has the variable."""
    return bool(_VARIABLE.search(text))


def _url(token: str) -> str:
    return f"{app_settings.UNSUBSCRIBE_URL.rstrip('/')}/{token}"


def placeholder() -> str:
    """What stands in a text until its message leaves; as long as a link."""
    return _url(_PLACEHOLDER)


def with_placeholder(text: str) -> str:
    """``text`` with the variable replaced by the placeholder, for counting."""
    return _VARIABLE.sub(placeholder(), text) if is_usable() else text


def fill(text: str, public_id: UUID) -> str:
    """``text`` as this message says it."""
    if not is_usable():
        return text
    text = with_placeholder(text)
    return text.replace(placeholder(), link(public_id)) if _PLACEHOLDER in text else text


def _signature(raw: bytes, key: str | bytes) -> bytes:
    return salted_hmac(_SALT, raw, secret=key, algorithm="sha256").digest()[:_SIGNATURE_BYTES]


def token(public_id: UUID) -> str:
    """32 characters that may stand in a path."""
    raw = public_id.bytes
    return base64.urlsafe_b64encode(raw + _signature(raw, settings.SECRET_KEY)).decode()


def link(public_id: UUID) -> str:
    """The address to opt out at."""
    return _url(token(public_id))


def read_token(given: str) -> UUID | None:
    """The message's id, or None for what this site never wrote."""
    try:
        data = base64.b64decode(given, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    raw, signature = data[:16], data[16:]
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    valid = [constant_time_compare(signature, _signature(raw, key)) for key in keys]
    return UUID(bytes=raw) if len(raw) == 16 and any(valid) else None


def message_of(given: str) -> Message | None:
    """The message that a link was in; None where its phone was erased: nobody knows whom it would stop."""
    public_id = read_token(given)
    if public_id is None:
        return None
    return Message.objects.filter(public_id=public_id, phone__startswith="+").first()


def opt_out(message: Message) -> None:
    """Its phone gets no more promotions, by any channel, nor more of this message's own type. One-time
    passwords are not stopped by a link."""
    for message_type in {MessageType.PROMOTIONAL.value, message.message_type} - {MessageType.OTP.value}:
        suppress(
            message.phone,
            message_type=message_type,
            source=LINK,
            reason=f"link in message {message.public_id}",
        )
