"""One POST to a subscriber: to an address that was looked at, without redirects or proxies, bounded in time.

Of the answer only its status and Retry-After are read: what a server inside some network says is nobody's
business here, and nothing of it can be too long.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from django_messagecentral import __version__
from django_messagecentral.client.http import parse_retry_after
from django_messagecentral.webhooks.addresses import Target, Unreachable, check_url, resolve

GONE = 410  # the specification: never send to this endpoint again


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` is None when there was no answer; then, and for a refusal, ``detail`` says what happened.
    ``retry_after`` in seconds.
    """

    status: int | None = None
    detail: str = ""
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(url: str, body: str, headers: Mapping[str, str], timeout: float) -> Answer:
    """POST ``body`` within ``timeout`` seconds (the resolver's time not counted). Never raises."""
    try:
        target = check_url(url)
        return _Exchange(target, timeout).run(resolve(target), body.encode(), headers)
    except Unreachable as error:
        return Answer(detail=str(error)[:200])
    except ssl.SSLError as error:
        return Answer(detail=f"TLS: {error.reason or type(error).__name__}"[:200])
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Answer(detail=f"no answer ({type(error).__name__})")


class _Exchange:
    """A connection that is cut off when its time is over, whatever it waits for."""

    def __init__(self, target: Target, timeout: float) -> None:
        self._target = target
        self._ends = time.monotonic() + timeout
        self._socket: socket.socket | None = None
        self._is_over = False

    def run(self, addresses: list[str], body: bytes, headers: Mapping[str, str]) -> Answer:
        watch = threading.Timer(self._left(), self._cut)
        watch.daemon = True
        watch.start()
        try:
            self._socket = self._connected(addresses)
            if self._target.is_tls:
                context = ssl.create_default_context()
                self._socket = context.wrap_socket(
                    self._socket, server_hostname=self._target.host, do_handshake_on_connect=False
                )
                self._socket.do_handshake()
            return self._exchange(self._socket, body, headers)
        except (OSError, http.client.HTTPException):
            if self._is_over:
                raise TimeoutError from None
            raise
        finally:
            watch.cancel()
            if self._socket is not None:
                self._socket.close()

    def _connected(self, addresses: list[str]) -> socket.socket:
        last: OSError = OSError()
        for address in addresses:
            try:
                made = socket.create_connection((address, self._target.port), timeout=self._left())
            except OSError as error:
                last = error
                continue
            made.settimeout(self._left())
            return made
        raise last

    def _exchange(self, connected: socket.socket, body: bytes, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection(self._target.host, self._target.port)
        connection.sock = connected  # so it never resolves or connects by itself
        own = {
            "Host": self._target.authority,
            "User-Agent": f"django-messagecentral/{__version__}",
            "Content-Type": "application/json",
            "Connection": "close",
        }
        connection.request("POST", self._target.path, body=body, headers={**own, **headers})
        answer = connection.getresponse()
        if self._is_over:  # cut off in the middle of its headers
            raise TimeoutError
        detail = ""
        if 300 <= answer.status < 400:
            detail = "redirects are not followed"
        elif answer.status >= 400:
            detail = "the endpoint refused it"
        return Answer(answer.status, detail, parse_retry_after(answer.getheader("Retry-After", "")))

    def _left(self) -> float:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _cut(self) -> None:
        self._is_over = True
        cut = self._socket
        if cut is not None:
            try:
                cut.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # it is closed already
