"""The client: one method for each thing the vendor can do."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import BinaryIO, Final, TypedDict, Unpack

from django_messagecentral.client import message_now, verify_now
from django_messagecentral.client.answers import Envelope, Scrubber, read_answer
from django_messagecentral.client.codes import FlowType, Operation
from django_messagecentral.client.credentials import read_credentials
from django_messagecentral.client.http import GRACE, Call, Transport
from django_messagecentral.client.results import SendResult, ValidateResult
from django_messagecentral.client.spans import vendor_call
from django_messagecentral.client.tokens import (
    MAX_WAIT,
    MemoryTokenStore,
    Token,
    TokenSource,
    TokenStore,
    jwt_expiry,
)
from django_messagecentral.exceptions import (
    AuthenticationFailed,
    MessageCentralError,
    Outcome,
    UnreadableAnswer,
)

BASE_URL: Final = "https://cpaas.messagecentral.com"
TOKEN_PATH: Final = "/auth/v1/authentication/token"  # noqa: S105


class MessageOptions(TypedDict, total=False):
    """Keyword arguments shared by the three ways to send a text; all have the vendor document's meaning."""

    sender_id: str  # required for an SMS
    flow_type: str  # SMS (default), WHATSAPP, RCS, SAUTH, EMAIL (beta)
    message_type: str  # OTP (the vendor's default), TRANSACTION, PROMOTIONAL
    template_id: str  # with entity_id, or neither
    entity_id: str
    otp_length: int | None  # 4 to 8 digits
    lang_id: str | None


class MessageCentralClient:
    """Talks to Message Central. Thread-safe; a process makes its own connections after a fork.

    Credentials: ``customer_id`` and ``password``, or ``customer_id`` and ``key`` (the password's base64), or
    a ready ``token``. ``country`` (dialling code), ``email`` and ``scope`` travel with the token call.
    Timeouts are seconds. ``token_store``: where tokens are kept, this process's memory by default.
    ``retry_after_503_never_left``: believe that a 503 with Retry-After has sent nothing.

    Every method returns a result or raises a :class:`~django_messagecentral.exceptions.MessageCentralError`.
    """

    def __init__(
        self,
        base_url: str = BASE_URL,
        *,
        customer_id: str = "",
        password: str = "",
        key: str = "",
        token: str = "",
        country: str = "",
        email: str = "",
        scope: str = "NEW",
        connect_timeout: float = 5.0,
        read_timeout: float = 20.0,
        pool_size: int = 64,
        token_store: TokenStore | None = None,
        retry_after_503_never_left: bool = False,
    ) -> None:
        self._credentials = read_credentials(
            customer_id=customer_id,
            password=password,
            key=key,
            token=token,
            country=country,
            email=email,
            scope=scope,
        )
        self._transport = Transport(
            base_url, connect_timeout=connect_timeout, read_timeout=read_timeout, pool_size=pool_size
        )
        self._trust_503 = retry_after_503_never_left
        self._tokens = TokenSource(
            token_store or MemoryTokenStore(),
            self._credentials.fingerprint(self._transport.base_url),
            self._fetch_token,
        )
        self.longest_call = longest_call(connect_timeout, read_timeout, ready_token=bool(token))

    def __repr__(self) -> str:
        return f"<MessageCentralClient {self._transport.base_url} {self._credentials!r}>"

    def send_otp(
        self,
        country_code: str,
        mobile_number: str,
        *,
        flow_type: str = FlowType.SMS,
        otp_length: int | None = None,
        lang_id: str | None = None,
    ) -> SendResult:
        """Have VerifyNow make a code (``otp_length``: 4 to 8 digits, 4 if None) and send it.

        While an earlier code to the number lives it raises RequestAlreadyExists, often with its id. A result
        without a ``verification_id`` cannot be checked later.
        """
        call = verify_now.send_otp_call(
            country_code, mobile_number, flow_type=flow_type, otp_length=otp_length, lang_id=lang_id
        )
        return message_now.read_send(self._perform(call, Operation.OTP))

    def validate_otp(self, verification_id: str, code: str, *, lang_id: str | None = None) -> ValidateResult:
        """Check a code. WrongOtp, VerificationExpired, AlreadyVerified ... say why it is not accepted."""
        call = verify_now.validate_otp_call(verification_id, code, lang_id=lang_id)
        del code  # error pages show local variables
        return verify_now.read_validation(self._perform(call, Operation.VALIDATE))

    def send_message(
        self, country_code: str, mobile_number: str, message: str, **options: Unpack[MessageOptions]
    ) -> SendResult:
        """Send ``message`` to one number."""
        call = message_now.send_message_call(
            country_code, mobile_number, message, message_now.Options(**options)
        )
        del message  # it may hold an OTP, and error pages show local variables
        return message_now.read_send(self._perform(call, Operation.MESSAGE))

    def send_bulk(
        self, phone_numbers: Iterable[tuple[str, str]], message: str, **options: Unpack[MessageOptions]
    ) -> SendResult:
        """Send one text to many (country code, national number) pairs; the answer has one id for all."""
        call = message_now.send_bulk_call(phone_numbers, message, message_now.Options(**options))
        return message_now.read_send(self._perform(call, Operation.MESSAGE))

    def send_file(
        self,
        file: bytes | BinaryIO,
        message: str,
        *,
        filename: str = "recipients.xlsx",
        **options: Unpack[MessageOptions],
    ) -> SendResult:
        """Send a text of its own to each row of an .xlsx with columns Country, Mobile, var1, var2 ...

        ``message`` names the columns as ``##var##``, ``##var2##``, ``##var3##``.
        """
        call = message_now.send_file_call(file, message, filename, message_now.Options(**options))
        return message_now.read_send(self._perform(call, Operation.MESSAGE))

    def check_credentials(self) -> None:
        """Ask for a new token, which is not kept: nothing is sent. Raises
        :class:`~django_messagecentral.exceptions.MessageCentralError`, as a rule AuthenticationFailed.

        A ready token cannot be asked about without sending something, so only its expiry is looked at.
        """
        ready = self._credentials.token
        if ready is None:
            self._fetch_token()
        elif (jwt_expiry(ready.value) or time.time() + 1) <= time.time():
            raise AuthenticationFailed("the ready token has expired")

    def close(self) -> None:
        """Close this process's connections; the client may be used again."""
        self._transport.close()

    def __enter__(self) -> MessageCentralClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _perform(self, call: Call, operation: Operation) -> Envelope:
        """One call; with a token that was refused, one more with a renewed one, never a loop."""
        ready = self._credentials.token
        token = ready or self._tokens.current()
        try:
            return self._once(call, operation, token)
        except AuthenticationFailed:
            if ready:
                raise
        return self._once(call, operation, self._tokens.renew(refused=token))

    def _once(self, call: Call, operation: Operation, token: Token | None) -> Envelope:
        with vendor_call(operation.value, dict(call.query).get("flowType", "")):
            answer = self._transport.exchange(call, token=token)
            scrubber = Scrubber(self._credentials.key, token.value if token else "")
            return read_answer(answer, operation, trust_503=self._trust_503, scrubber=scrubber)

    def _fetch_token(self) -> Token:
        """Success is that a token is there: a refusal comes as HTTP 200 too (seen in public clients)."""
        call = Call("GET", TOKEN_PATH, query=self._credentials.token_query())
        try:
            envelope = self._once(call, Operation.TOKEN, token=None)
        except MessageCentralError as error:
            error.outcome = Outcome.NEVER_LEFT  # whatever became of this call, the message was not in it
            raise
        value = _token_in(envelope)
        if value is None:
            raise UnreadableAnswer(
                "the token call's answer holds no token", http_status=200, outcome=Outcome.NEVER_LEFT
            )
        return Token.from_jwt(value, time.time())


def longest_call(connect_timeout: float, read_timeout: float, *, ready_token: bool = False) -> float:
    """Seconds that one call of a client can last: a token, the call, a new token after a refusal, the call
    again, and two waits for other fetchers. With a ready token only the call.
    """
    exchange = connect_timeout + read_timeout + GRACE
    return exchange if ready_token else 4 * exchange + 2 * MAX_WAIT


def _token_in(envelope: Envelope) -> str | None:
    for value in (envelope.top.get("token"), envelope.data.get("token")):
        if isinstance(value, str) and value.isascii() and value.isprintable() and value.strip():
            return value.strip()
    return None
