"""One HTTP exchange: pooled, with timeouts always set, nothing followed, nothing retried, nothing leaked.

An error of the HTTP libraries holds the URL, and with it the password's key or a code. So none of them is
ever chained to, or quoted in, what this module raises, and urllib3's log lines lose their query strings.
"""

from __future__ import annotations

import http.client
import ipaddress
import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final, cast
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import ConnectTimeoutError, DecodeError, NameResolutionError, NewConnectionError

from django_messagecentral import __version__
from django_messagecentral.client.answers import Answer
from django_messagecentral.client.connections import TrackedAdapter, progress
from django_messagecentral.client.tokens import Token
from django_messagecentral.exceptions import AnswerLost, ConnectionNotMade, InvalidArgument, UnreadableAnswer

GRACE: Final = 1.0  # seconds for the body of an answer that has just begun in time
MAX_BODY: Final = 1024 * 1024  # bytes; the vendor's answers have some hundred
_LONGEST_WAIT: Final = 24 * 3600.0  # seconds of Retry-After that are believed
_LIBRARY_ERRORS: Final = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    UnicodeError,
)


class _WithoutQuery(logging.Filter):
    """urllib3 logs addresses of requests, also at WARNING level; ours carry keys and codes in the query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_cut_query, record.args))
        return True


def _cut_query(value: object) -> object:
    if isinstance(value, str) and ("/auth/v1/" in value or "/verification/v" in value):
        return value.partition("?")[0]
    return value


for _logger in ("urllib3.connection", "urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_logger).addFilter(_WithoutQuery())


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """What to send. ``query`` and ``form`` hold secrets: neither is ever shown."""

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    form: Sequence[tuple[str, str]] = ()
    files: Mapping[str, tuple[str, Any, str]] | None = None

    def __repr__(self) -> str:
        return f"<Call {self.method} {self.path}>"


class Transport:
    """A pooled session a process, made at first use (so after a fork); usable by many threads at once.

    ``connect_timeout`` and ``read_timeout``: seconds. Together, and with GRACE, they bound an exchange, but
    for the resolver, a host of several addresses that do not answer, and headers sent drop by drop.
    """

    def __init__(self, base_url: str, *, connect_timeout: float, read_timeout: float, pool_size: int) -> None:
        self.base_url = checked_base_url(base_url)
        self._timeout = (_positive(connect_timeout), _positive(read_timeout))
        self._pool_size = pool_size
        self._sessions: dict[int, requests.Session] = {}
        self._surroundings: dict[str, Any] | None = None

    def exchange(self, call: Call, *, token: Token | None = None) -> Answer:
        """Raises ConnectionNotMade, AnswerLost or UnreadableAnswer; every HTTP status is an answer."""
        result = self._attempt(call, token)
        if isinstance(result, Answer):
            return result
        raise result  # outside of any except block, so that no library error is its context

    def close(self) -> None:
        """Close this process's connections; the next call opens new ones."""
        session = self._sessions.pop(os.getpid(), None)
        if session is not None:
            session.close()

    def _session(self) -> requests.Session:
        pid = os.getpid()
        session = self._sessions.get(pid)
        return session or self._sessions.setdefault(pid, self._new_session())

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.headers.update(
            {"User-Agent": f"django-messagecentral/{__version__}", "Accept": "application/json, */*"}
        )
        session.trust_env = not _is_loopback(self.base_url)  # a proxy cannot reach this machine's sandbox
        session.auth = _no_auth  # without it requests would look for credentials in ~/.netrc
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            session.mount(scheme, TrackedAdapter(self._pool_size))
        return session

    def _attempt(
        self, call: Call, token: Token | None
    ) -> Answer | ConnectionNotMade | AnswerLost | UnreadableAnswer:
        progress.begin()
        started = time.monotonic()
        try:
            response = self._send(call, {"authToken": token.value} if token else {})
        except _LIBRARY_ERRORS as error:
            return classify(error)
        with response:
            return self._read(response, max(started + sum(self._timeout), time.monotonic() + GRACE))

    def _send(self, call: Call, headers: dict[str, str]) -> requests.Response:
        session, url = self._session(), self.base_url + call.path
        if call.form or call.files:
            return session.request(
                call.method,
                url,
                params=list(call.query),
                data=list(call.form) or None,
                files=call.files,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
        # One message: made by hand, at half of what it costs requests. An adapter follows nothing.
        request = requests.PreparedRequest()
        request.method = call.method
        request.url = f"{url}?{urlencode(call.query)}" if call.query else url
        request.headers = CaseInsensitiveDict[str]()
        request.headers.update(cast("dict[str, str]", {**session.headers, **headers}))
        if call.method != "GET":
            request.headers["Content-Length"] = "0"
        return session.get_adapter(url).send(
            request, stream=True, timeout=self._timeout, **self._environment(session)
        )

    def _environment(self, session: requests.Session) -> dict[str, Any]:
        """Proxies and certificates by the environment, as requests reads them; once a process."""
        if self._surroundings is None:
            found = session.merge_environment_settings(self.base_url, {}, True, None, None)
            self._surroundings = {name: found[name] for name in ("proxies", "verify", "cert")}
        return self._surroundings

    def _read(self, response: requests.Response, deadline: float) -> Answer | UnreadableAnswer:
        """The body, piece by piece: a server that drips one byte a second must not hold a worker for ever."""
        body, broken = bytearray(), False
        try:
            while piece := _read_some(response, deadline):
                body += piece
                if len(body) > MAX_BODY:
                    return UnreadableAnswer(
                        f"an answer of more than {MAX_BODY} bytes", http_status=response.status_code
                    )
        except DecodeError:
            return UnreadableAnswer("a body that cannot be decompressed", http_status=response.status_code)
        except _LIBRARY_ERRORS:
            broken = True
        return Answer(
            status=response.status_code,
            body=bytes(body),
            retry_after=parse_retry_after(response.headers.get("Retry-After", "")),
            broken=broken,
        )


def _read_some(response: requests.Response, deadline: float) -> bytes:
    """The next piece of the body, b"" at its end. Raises TimeoutError when ``deadline`` is over."""
    left = deadline - time.monotonic()
    if left < 0 and response.raw.length_remaining != 0:
        raise TimeoutError
    # None once the answer is whole, or when the server closes the connection after it
    sock = getattr(response.raw.connection, "sock", None)
    if sock is not None:
        sock.settimeout(max(left, 0.01))
    piece: bytes = response.raw.read1(65536, decode_content=True)
    return piece


def classify(error: BaseException) -> ConnectionNotMade | AnswerLost:
    """Never left, or may have left? In doubt the latter: a text sent twice is worse than one asked about."""
    causes = _causes(error)
    words = ", ".join(dict.fromkeys(type(cause).__name__ for cause in causes))
    if progress.too_late:
        return ConnectionNotMade("its time was over before it began: nothing was sent")
    if progress.seen and not progress.left:
        return ConnectionNotMade(f"the connection broke before anything was sent ({words})")
    if any(isinstance(cause, requests.ReadTimeout) for cause in causes):
        return AnswerLost(f"no answer in time ({words})")
    never_made = (requests.ConnectTimeout, ConnectTimeoutError, NewConnectionError, NameResolutionError)
    if any(isinstance(cause, never_made) for cause in causes):
        return ConnectionNotMade(f"no connection could be made ({words})")
    if isinstance(error, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, UnicodeError)):
        return ConnectionNotMade(f"the address cannot be used ({words})")
    return AnswerLost(f"the connection broke before the answer came ({words})")


def _causes(error: BaseException) -> list[BaseException]:
    """``error`` and what it wraps: requests keeps urllib3's in ``args``, urllib3 its own in ``reason``."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting and len(found) < 20:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and current not in found:
            found.append(current)
            waiting += [getattr(current, "reason", None), current.__cause__, *current.args]
    return found


def parse_retry_after(value: str) -> float | None:
    """Seconds from now, of a Retry-After header in either of its forms; None without a readable one."""
    text = value.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
        seconds = moment.timestamp() - time.time()
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def checked_base_url(base_url: str) -> str:
    """``base_url`` without its last slash. Raises InvalidArgument, without repeating it, if it is none."""
    if not isinstance(base_url, str):
        raise InvalidArgument("base_url is text")
    try:
        parts = urlsplit(base_url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or parts.username or parts.password:
        raise InvalidArgument("base_url must look like https://cpaas.messagecentral.com")
    return base_url.strip().rstrip("/")


def _positive(seconds: float) -> float:
    if not 0 < seconds < 3600:
        raise InvalidArgument("timeouts are seconds, more than 0 and less than an hour")
    return float(seconds)


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
