"""A log filter that masks the webhook's secret: access logs write the path, and the path holds the token.

::

    LOGGING = {
        "filters": {"webhook_token": {"()": "django_messagecentral.callbacks.logs.MaskWebhookToken"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["webhook_token"]}},
        ...
    }

Put it on the *handlers* (a logger's own filters do not see the records of its children). It works for
``django.server``, ``django.request``, ``gunicorn.access`` and ``uvicorn.access``. A web server before the
site (nginx ...) writes its own log: there, send the token in the header ``X-Messagecentral-Token``, or log
without the path.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

from django_messagecentral.conf import app_settings

MASK = "[masked]"

# Also a wrong or retired token is somebody's secret, so whatever follows the path's own words is masked.
# Unsubscribe links are somebody's as well.
_PATH = re.compile(r"((?:webhook|inbound|unsubscribe)/)(?!by-header\b)[^/\s\"'?#]{8,}")


def mask_tokens(text: str) -> str:
    """``text`` with the live tokens, and whatever stands in their place in a path, masked."""
    for token in app_settings.WEBHOOK_TOKENS:
        if token:
            text = text.replace(token, MASK)
    return _PATH.sub(rf"\g<1>{MASK}", text)


class MaskWebhookToken(logging.Filter):
    """Lets every record through, masked. The shape of ``record.args`` is kept: formatters count on it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, str):
            record.msg = mask_tokens(record.msg)
        arguments: Any = record.args
        if isinstance(arguments, tuple):
            record.args = tuple(_masked(argument) for argument in arguments)
        elif isinstance(arguments, Mapping):  # gunicorn's is a dict of its own: "-" stands for what it lacks
            masked = {key: _masked(value) for key, value in arguments.items()}
            record.args = _LikeGunicorn(masked) if type(arguments) is not dict else masked
        if isinstance(record.exc_text, str):
            record.exc_text = mask_tokens(record.exc_text)
        return True


class _LikeGunicorn(dict[str, Any]):
    def __missing__(self, key: str) -> Any:
        return self.get(key.lower(), "-")


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_tokens(value)
    if isinstance(value, (int, float, type(None))):
        return value
    text = str(value)
    masked = mask_tokens(text)
    return value if masked == text else masked  # an object whose text names the path, e.g. the request
