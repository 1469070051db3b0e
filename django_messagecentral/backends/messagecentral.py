"""The real backend: Message Central over its client, with the settings' account."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from django.views.decorators.debug import sensitive_variables

from django_messagecentral.backends.base import BaseBackend, OutgoingMessage
from django_messagecentral.backends.tokens import CacheTokenStore
from django_messagecentral.client import MessageCentralClient, SendResult, ValidateResult
from django_messagecentral.client.client import MessageOptions
from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import AuthenticationFailed, InvalidArgument
from django_messagecentral.phones import InvalidPhone, vendor_pair


class MessageCentralBackend(BaseBackend):
    """Local variables of its calls are hidden in error reports: they hold codes and texts."""

    def __init__(self) -> None:
        self._client: MessageCentralClient | None = None
        self._making = threading.Lock()

    @property
    def client(self) -> MessageCentralClient:
        """Made at first use. Settings without an account raise AuthenticationFailed: nothing left the site,
        and a queue keeps its messages until somebody mends them."""
        with self._making:
            if self._client is None:
                self._client = self._make_client_or_explain()
            return self._client

    def _make_client_or_explain(self) -> MessageCentralClient:
        try:
            return self.make_client()
        except InvalidArgument as error:
            fault = error.message
        raise AuthenticationFailed(f"the MESSAGECENTRAL settings cannot be used: {fault}")

    def make_client(self) -> MessageCentralClient:
        """For subclasses that keep several accounts, or their credentials elsewhere."""
        return MessageCentralClient(
            app_settings.BASE_URL,
            customer_id=app_settings.CUSTOMER_ID,
            password=app_settings.PASSWORD,
            key=app_settings.KEY,
            token=app_settings.TOKEN,
            country=app_settings.COUNTRY,
            email=app_settings.EMAIL,
            scope=app_settings.SCOPE,
            connect_timeout=app_settings.CONNECT_TIMEOUT,
            read_timeout=app_settings.READ_TIMEOUT,
            pool_size=app_settings.POOL_SIZE,
            token_store=CacheTokenStore(app_settings.CACHE),
            retry_after_503_never_left=app_settings.RETRY_AFTER_503_NEVER_LEFT,
        )

    @sensitive_variables()
    def send_message(self, message: OutgoingMessage) -> SendResult:
        country, number = pair_of(message.phone)
        return self.client.send_message(country, number, message.text, **options_of(message))

    @sensitive_variables()
    def send_bulk(self, phones: Sequence[str], message: OutgoingMessage) -> SendResult:
        pairs = [pair_of(phone) for phone in phones]
        return self.client.send_bulk(pairs, message.text, **options_of(message))

    @sensitive_variables()
    def send_file(self, workbook: bytes, message: OutgoingMessage) -> SendResult:
        return self.client.send_file(workbook, message.text, **options_of(message))

    @sensitive_variables()
    def send_otp(
        self, phone: str, *, channel: str = "SMS", code_length: int | None = None, language: str = ""
    ) -> SendResult:
        country, number = pair_of(phone)
        return self.client.send_otp(
            country,
            number,
            flow_type=channel,
            otp_length=code_length or app_settings.OTP_LENGTH,
            lang_id=language or None,
        )

    @sensitive_variables()
    def validate_otp(self, verification_id: str, code: str) -> ValidateResult:
        return self.client.validate_otp(verification_id, code)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()


def pair_of(phone: str) -> tuple[str, str]:
    """The wire's country code and national number. Raises InvalidArgument for what is no number."""
    try:
        return vendor_pair(phone)
    except InvalidPhone as error:
        reason = error.reason
    raise InvalidArgument(reason)


def options_of(message: OutgoingMessage) -> MessageOptions:
    return {
        "sender_id": message.sender_id or app_settings.SENDER_ID,
        "flow_type": message.channel,
        "message_type": message.message_type,
        "template_id": message.template_id,
        "entity_id": message.entity_id,
    }
