"""A server of raw sockets, for what no HTTP library can be made to do: resets, stalls, half answers."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence

# True: keep the connection for another request
Behaviour = Callable[[socket.socket], bool | None]


def answer_with(status: str, body: object, *, headers: str = "", keep: bool = True) -> Behaviour:
    """A whole answer; ``body`` is bytes or JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = "keep-alive" if keep else "close"

    def behave(connected: socket.socket) -> bool:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(raw)}\r\nConnection: {connection}\r\n{headers}\r\n"
        connected.sendall(head.encode() + raw)
        return keep

    return behave


def raw(text: bytes) -> Behaviour:
    return lambda connected: connected.sendall(text)


def stall(seconds: float, text: bytes = b"") -> Behaviour:
    def behave(connected: socket.socket) -> None:
        connected.sendall(text)
        time.sleep(seconds)

    return behave


def reset(connected: socket.socket) -> None:
    """RST in place of FIN."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connected.close()


def reset_after_hearing(connected: socket.socket) -> None:
    connected.recv(65536)
    reset(connected)


def drip(text: bytes, pause: float, pieces: int) -> Behaviour:
    def behave(connected: socket.socket) -> None:
        connected.sendall(text)
        with contextlib.suppress(OSError):
            for _ in range(pieces):
                time.sleep(pause)
                connected.sendall(b" ")

    return behave


class RawServer:
    """Answers the n-th request with the n-th behaviour (the last one for all after it).

    ``requests``: head and body of each as bytes; ``connections``: how many were opened.
    """

    def __init__(self, behaviours: Sequence[Behaviour], *, before_request: Behaviour | None = None) -> None:
        self._behaviours = behaviours
        self._before = before_request
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for each in (self._listener, *self._open):
            each.close()

    def drop_connections(self) -> None:
        """Close what is open, as a balancer does with idle connections."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connected, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connected)
                threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, connected: socket.socket) -> None:
        with contextlib.suppress(OSError):
            if self._before is not None:
                self._before(connected)
            while request := _read_request(connected):
                self.requests.append(request)
                index = min(len(self.requests), len(self._behaviours)) - 1
                if not self._behaviours[index](connected):
                    break
        connected.close()


def _read_request(connected: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connected.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connected.recv(65536)
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def raw_server(*behaviours: Behaviour, before_request: Behaviour | None = None) -> Iterator[RawServer]:
    server = RawServer(behaviours or (reset,), before_request=before_request)
    try:
        yield server
    finally:
        server.close()
