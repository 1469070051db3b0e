"""Reading an answer: bytes and a status become an :class:`Envelope`, or exactly one MessageCentralError."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from django_messagecentral.client.codes import Operation, ResponseCode
from django_messagecentral.client.fields import as_int, as_text
from django_messagecentral.client.outcomes import STATUSES, meaning_of, outcome_without_code
from django_messagecentral.exceptions import (
    AnswerLost,
    MessageCentralError,
    Outcome,
    UnreadableAnswer,
)

_LOGGED_CHARACTERS = 120
# vendor codes that say more than a 401, 403 or 429 around them
_DECISIVE = frozenset(ResponseCode) - {
    ResponseCode.SUCCESS,
    ResponseCode.BAD_REQUEST,
    ResponseCode.INVALID_CUSTOMER_ID,
}
_SECRETLIKE = re.compile(r"\S{25,}|\d{4,}")  # tokens and keys; numbers and codes


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What came over the wire. ``broken``: the connection ended inside the body. ``retry_after``: seconds."""

    status: int
    body: bytes = b""
    retry_after: float | None = None
    broken: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """A readable answer. ``code`` is None when it names none; ``top`` is the whole object."""

    code: int | None
    message: str
    data: dict[str, Any] = field(default_factory=dict)
    top: dict[str, Any] = field(default_factory=dict)


class Scrubber:
    """Makes the vendor's own words fit for a log line: short, one line, no number, code, key or token."""

    def __init__(self, *secrets: str) -> None:
        self._secrets = [secret for secret in secrets if secret]

    def clean(self, words: str) -> str:
        for secret in self._secrets:
            words = words.replace(secret, "…")
        return _SECRETLIKE.sub("…", " ".join(words.split()))[:_LOGGED_CHARACTERS]


def read_answer(
    answer: Answer, operation: Operation, *, trust_503: bool = False, scrubber: Scrubber | None = None
) -> Envelope:
    """The envelope of a success; anything else raises the error that it means for ``operation``.

    ``trust_503``: a 503 with Retry-After means that nothing was sent. ``scrubber`` knows the secrets that the
    vendor's words may repeat.
    """
    try:
        envelope = _parse(answer)
    except UnreadableAnswer as error:
        failure = _failure_without_code(answer, operation, error)
    else:
        if _is_success(answer, envelope, operation):
            return envelope
        failure = _failure(answer, envelope, operation, scrubber or Scrubber())
    if trust_503 and answer.status == 503 and answer.retry_after is not None:
        failure.outcome = Outcome.NEVER_LEFT
    raise failure from None


def _parse(answer: Answer) -> Envelope:
    if 300 <= answer.status < 400:
        raise UnreadableAnswer("a redirect, which is never followed")
    if answer.broken:
        raise UnreadableAnswer("the answer ended early")
    try:
        top = json.loads(answer.body)
    except (ValueError, RecursionError):
        raise UnreadableAnswer(_not_json(answer.body)) from None
    if not isinstance(top, dict):
        raise UnreadableAnswer("JSON, but not an object")
    data = top.get("data")
    if data is not None and not isinstance(data, dict):
        raise UnreadableAnswer("JSON whose data is not an object")
    data = data or {}
    return Envelope(_code(top, data), _message(top, data), data, top)


def _not_json(body: bytes) -> str:
    if not body.strip():
        return "an empty answer"
    return "HTML in place of JSON" if body.lstrip()[:1] == b"<" else "an answer that is not JSON"


def _code(top: dict[str, Any], data: dict[str, Any]) -> int | None:
    """``responseCode`` outside, else inside ``data``, else ``status`` (the token call's refusals).

    The inner one is preferred where the outer one only says "all well" or "bad".
    """
    outer, inner = as_int(top.get("responseCode")), as_int(data.get("responseCode"))
    if outer is None:
        outer = as_int(top.get("status"))
    vague = outer in (None, ResponseCode.SUCCESS, ResponseCode.BAD_REQUEST)
    if vague and inner not in (None, ResponseCode.SUCCESS):
        return inner
    return inner if outer is None else outer


def _message(top: dict[str, Any], data: dict[str, Any]) -> str:
    for value in (data.get("errorMessage"), top.get("message"), top.get("error")):
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _is_success(answer: Answer, envelope: Envelope, operation: Operation) -> bool:
    if not 200 <= answer.status < 300:
        return False
    if operation is Operation.TOKEN and envelope.code is None:
        return True  # success is that a token is there, which the caller looks at
    return envelope.code == ResponseCode.SUCCESS


def _failure(
    answer: Answer, envelope: Envelope, operation: Operation, scrubber: Scrubber
) -> MessageCentralError:
    code = envelope.code
    if code is None and 400 <= answer.status < 600:
        code = answer.status  # a readable refusal that only the HTTP status names
    if code is None or code == ResponseCode.SUCCESS:
        contradiction = UnreadableAnswer("an answer without a response code")
        if code is not None:
            contradiction = UnreadableAnswer("a success code with an HTTP status of failure")
        return _failure_without_code(answer, operation, contradiction)
    if answer.status in (401, 403, 429) and code not in _DECISIVE:
        code = answer.status  # the token or the pace was refused, whatever word the body has for it
    kind, outcome = meaning_of(code, operation)
    if answer.status >= 500 and operation is not Operation.TOKEN:
        outcome = Outcome.MAY_HAVE_LEFT
    return kind(
        _describe(code, scrubber.clean(envelope.message)),
        code=code,
        http_status=answer.status,
        outcome=outcome,
        retry_after=answer.retry_after,
        verification_id=as_text(envelope.data.get("verificationId")),
        transaction_id=as_text(envelope.data.get("transactionId")),
    )


def _failure_without_code(
    answer: Answer, operation: Operation, error: UnreadableAnswer
) -> MessageCentralError:
    kind: type[MessageCentralError] = AnswerLost if answer.broken else UnreadableAnswer
    outcome = outcome_without_code(operation)
    if answer.status in STATUSES:
        kind, by_status = STATUSES[answer.status]
        outcome = Outcome.NEVER_LEFT if operation is Operation.TOKEN else by_status
    return kind(error.message, http_status=answer.status, outcome=outcome, retry_after=answer.retry_after)


def _describe(code: int, words: str) -> str:
    known = code in ResponseCode.__members__.values()
    name = ResponseCode(code).name if known else "unknown code"
    return f"{name}: {words}" if words and words != name else name
