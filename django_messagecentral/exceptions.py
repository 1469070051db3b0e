"""One hierarchy of errors: each knows the vendor's code, if it is safe to retry, and what to tell a person.

Nothing of Django is imported here. ``str(error)`` is for logs and never holds a secret or a whole phone
number; ``error.user_message`` is plain English for a person, which the Django side translates with
``gettext(error.user_message)``.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar


def gettext_noop(text: str) -> str:
    """Mark ``text`` for the translators' catalogue and return it as it is."""
    return text


class Outcome(StrEnum):
    """What became of a message or an OTP, as far as this side can know."""

    ACCEPTED = "accepted"
    NEVER_LEFT = "never_left"  # surely not sent: may be tried again
    REFUSED = "refused"  # the vendor said no: trying the same again is useless
    MAY_HAVE_LEFT = "may_have_left"  # nobody knows: never sent again by itself


class MessageCentralError(Exception):
    """Anything that kept a call to Message Central from succeeding.

    ``message``: text for logs. ``code``: the vendor's response code, None when its answer had none.
    ``http_status``: None when there was no answer. ``retry_after``: seconds, when the vendor named them.
    ``verification_id`` and ``transaction_id``: when the answer carried them (a 506 often names the living
    verification). ``outcome``: see :class:`Outcome`; each class has a default and the client sets the one
    that fits the call.
    """

    default_code: ClassVar[int | None] = None
    default_outcome: ClassVar[Outcome] = Outcome.MAY_HAVE_LEFT
    default_message: ClassVar[str] = "the call to Message Central failed"
    user_message: ClassVar[str] = gettext_noop("Something went wrong. Please try again later.")

    def __init__(
        self,
        message: str = "",
        *,
        code: int | None = None,
        http_status: int | None = None,
        outcome: Outcome | None = None,
        retry_after: float | None = None,
        verification_id: str | None = None,
        transaction_id: str | None = None,
    ) -> None:
        self.message = message or self.default_message
        self.code = self.default_code if code is None else code
        self.http_status = http_status
        self.outcome = outcome or self.default_outcome
        self.retry_after = retry_after
        self.verification_id = verification_id
        self.transaction_id = transaction_id
        super().__init__(self.message)

    @property
    def safe_to_retry(self) -> bool:
        """True only when it is certain that nothing left this side."""
        return self.outcome is Outcome.NEVER_LEFT

    def __str__(self) -> str:
        facts = []
        if self.code is not None:
            facts.append(f"code {self.code}")
        if self.http_status is not None:
            facts.append(f"HTTP {self.http_status}")
        facts.append(self.outcome.value.replace("_", " "))
        return f"{self.message} ({', '.join(facts)})"

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Task queues pickle errors; keyword arguments would be lost without this."""
        return _rebuild, (type(self), self.message, self._facts())

    def _facts(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "http_status": self.http_status,
            "outcome": self.outcome,
            "retry_after": self.retry_after,
            "verification_id": self.verification_id,
            "transaction_id": self.transaction_id,
        }


def _rebuild(cls: type[MessageCentralError], message: str, facts: dict[str, Any]) -> MessageCentralError:
    return cls(message, **facts)


# -- the vendor's response codes (vendor document, Response Codes) ----------------------------------


class BadRequest(MessageCentralError):
    """400 BAD_REQUEST."""

    default_code = 400
    default_outcome = Outcome.REFUSED
    default_message = "BAD_REQUEST"
    user_message = gettext_noop("The message could not be sent. Please check the phone number.")


class DuplicateResource(MessageCentralError):
    """409 DUPLICATE_RESOURCE."""

    default_code = 409
    default_message = "DUPLICATE_RESOURCE"


class ServerError(MessageCentralError):
    """500 SERVER_ERROR, inside the answer or as the HTTP status."""

    default_code = 500
    default_message = "SERVER_ERROR"


class InvalidCustomerId(MessageCentralError):
    """501 INVALID_CUSTOMER_ID: the account's settings are wrong; no recipient can mend that."""

    default_code = 501
    default_outcome = Outcome.REFUSED
    default_message = "INVALID_CUSTOMER_ID"
    user_message = gettext_noop("Messages cannot be sent at the moment. Please try again later.")


class InvalidVerificationId(MessageCentralError):
    """505 INVALID_VERIFICATION_ID."""

    default_code = 505
    default_outcome = Outcome.REFUSED
    default_message = "INVALID_VERIFICATION_ID"
    user_message = gettext_noop("This code is no longer valid. Please ask for a new one.")


class RequestAlreadyExists(MessageCentralError):
    """506 REQUEST_ALREADY_EXISTS: an OTP to that number is still alive; its id may be in ``verification_id``.

    For an OTP it means refused; for a message nobody knows which request is meant, so it may have left.
    """

    default_code = 506
    default_message = "REQUEST_ALREADY_EXISTS"
    user_message = gettext_noop("A code was sent to this number a moment ago. Please use that one.")


class InvalidCountryCode(MessageCentralError):
    """511 INVALID_COUNTRY_CODE."""

    default_code = 511
    default_outcome = Outcome.REFUSED
    default_message = "INVALID_COUNTRY_CODE"
    user_message = gettext_noop("The country code of this phone number is not valid.")


class VerificationFailed(MessageCentralError):
    """700 VERIFICATION_FAILED; also a success without ``verificationStatus`` VERIFICATION_COMPLETED."""

    default_code = 700
    default_outcome = Outcome.REFUSED
    default_message = "VERIFICATION_FAILED"
    user_message = gettext_noop("The phone number could not be verified. Please ask for a new code.")


class WrongOtp(MessageCentralError):
    """702 WRONG_OTP_PROVIDED."""

    default_code = 702
    default_outcome = Outcome.REFUSED
    default_message = "WRONG_OTP_PROVIDED"
    user_message = gettext_noop("This code is not right. Please check it and try again.")


class AlreadyVerified(MessageCentralError):
    """703 ALREADY_VERIFIED: this code was used before. Never a success."""

    default_code = 703
    default_outcome = Outcome.REFUSED
    default_message = "ALREADY_VERIFIED"
    user_message = gettext_noop("This code was used already. Please ask for a new one.")


class VerificationExpired(MessageCentralError):
    """705 VERIFICATION_EXPIRED."""

    default_code = 705
    default_outcome = Outcome.REFUSED
    default_message = "VERIFICATION_EXPIRED"
    user_message = gettext_noop("This code has expired. Please ask for a new one.")


class MaximumLimitReached(MessageCentralError):
    """800 MAXIMUM_LIMIT_REACHED: of the account on a send (back off), of attempts on a check."""

    default_code = 800
    default_outcome = Outcome.NEVER_LEFT
    default_message = "MAXIMUM_LIMIT_REACHED"
    user_message = gettext_noop("Too many attempts. Please try again later.")


class UnknownResponseCode(MessageCentralError):
    """A code that the vendor's document does not name; it is in ``code``."""

    default_message = "an unknown response code"


# -- what happens around the vendor's codes ----------------------------------------------------------


class AuthenticationFailed(MessageCentralError):
    """The credentials were refused, or the token was (HTTP 401 / 403) after its one renewal."""

    default_outcome = Outcome.NEVER_LEFT
    default_message = "the credentials were refused"
    user_message = gettext_noop("Messages cannot be sent at the moment. Please try again later.")


class RateLimited(MessageCentralError):
    """HTTP 429; ``retry_after`` in seconds when the gateway named it."""

    default_outcome = Outcome.NEVER_LEFT
    default_message = "too many requests"
    user_message = gettext_noop("Too many messages are being sent. Please try again in a minute.")


class ConnectionNotMade(MessageCentralError):
    """No connection: DNS, refused, connect timeout, TLS handshake. The request never left this side."""

    default_outcome = Outcome.NEVER_LEFT
    default_message = "no connection could be made"
    user_message = gettext_noop("The message service cannot be reached. Please try again in a minute.")


class AnswerLost(MessageCentralError):
    """The connection broke or the time ran out after the request had begun to leave."""

    default_message = "the answer was lost"
    user_message = gettext_noop("The message service did not answer. Please wait before trying again.")


class UnreadableAnswer(MessageCentralError):
    """HTML, truncated JSON, JSON of the wrong shape, or a redirect (which is never followed)."""

    default_message = "the answer could not be read"
    user_message = gettext_noop("The message service did not answer. Please wait before trying again.")


class GatewayError(MessageCentralError):
    """HTTP 502, 503 or 504: something in front of the vendor answered."""

    default_message = "the gateway answered in place of the service"
    user_message = gettext_noop("The message service is not available. Please wait before trying again.")


class InvalidArgument(MessageCentralError, ValueError):
    """A value that the vendor's document does not allow, refused before the wire."""

    default_outcome = Outcome.REFUSED
    default_message = "invalid argument"
