"""Several ways out: the next one is tried only when it is certain that nothing left by the one before."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from django.core.exceptions import ImproperlyConfigured

from django_messagecentral.backends import get_backend
from django_messagecentral.backends.base import BaseBackend, OutgoingMessage
from django_messagecentral.client.results import SendResult, ValidateResult
from django_messagecentral.conf import app_settings
from django_messagecentral.exceptions import MessageCentralError

logger = logging.getLogger("django_messagecentral.backends")
_SEPARATOR = "-"  # a vendor's own ids are digits


class FailoverBackend(BaseBackend):
    """Tries the settings' FAILOVER_BACKENDS in order. A code is checked by the backend that has sent it: its
    verification id is prefixed with a short hash of that backend's path, which survives a new order."""

    def __init__(self) -> None:
        self._paths = {label_of(path): path for path in app_settings.FAILOVER_BACKENDS}
        if not self._paths:
            raise ImproperlyConfigured("FailoverBackend needs FAILOVER_BACKENDS, a list of dotted paths")

    @property
    def longest_call(self) -> float:
        """All of them, one after the other."""
        return sum(get_backend(path).longest_call for path in self._paths.values())

    def send_message(self, message: OutgoingMessage) -> SendResult:
        return self._first(lambda backend: backend.send_message(message))

    def send_bulk(self, phones: Sequence[str], message: OutgoingMessage) -> SendResult:
        return self._first(lambda backend: backend.send_bulk(phones, message))

    def send_file(self, workbook: bytes, message: OutgoingMessage) -> SendResult:
        return self._first(lambda backend: backend.send_file(workbook, message))

    def send_otp(
        self, phone: str, *, channel: str = "SMS", code_length: int | None = None, language: str = ""
    ) -> SendResult:
        return self._first(
            lambda backend: backend.send_otp(
                phone, channel=channel, code_length=code_length, language=language
            )
        )

    def validate_otp(self, verification_id: str, code: str) -> ValidateResult:
        """An id without a known prefix (from before failover was set up) goes to the first backend."""
        label, separator, own_id = verification_id.partition(_SEPARATOR)
        path = self._paths.get(label) if separator else None
        if path is None:
            path, own_id = next(iter(self._paths.values())), verification_id
        result = get_backend(path).validate_otp(own_id, code)
        return replace(result, verification_id=verification_id)

    def close(self) -> None:
        for path in self._paths.values():
            get_backend(path).close()

    def _first(self, send: Callable[[BaseBackend], SendResult]) -> SendResult:
        *others, last = self._paths.items()
        for label, path in others:
            try:
                return _labelled(send, label, path)
            except MessageCentralError as error:
                if not error.safe_to_retry:
                    raise
                logger.warning("%s could not send (%s): the next backend is tried", path, error)
        return _labelled(send, *last)


def label_of(path: str) -> str:
    return hashlib.sha256(path.encode()).hexdigest()[:8]


def _labelled(send: Callable[[BaseBackend], SendResult], label: str, path: str) -> SendResult:
    try:
        result = send(get_backend(path))
    except MessageCentralError as error:
        error.verification_id = _prefixed(label, error.verification_id)
        raise
    return replace(result, verification_id=_prefixed(label, result.verification_id))


def _prefixed(label: str, verification_id: str | None) -> str | None:
    return f"{label}{_SEPARATOR}{verification_id}" if verification_id else None
