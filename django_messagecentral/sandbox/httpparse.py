"""A small HTTP/1.1 request parser, fed with whatever bytes have come (RFC 9112)."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from .params import Request

MAX_HEAD = 65_536
MAX_BODY = 256 * 1024 * 1024

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}\Z")


class BadRequestError(ValueError):
    """What came is no HTTP request; ``status`` is the answer it earns."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class RequestParser:
    """Feed bytes, then take requests one by one."""

    __slots__ = ("_buffer", "_chunked", "_chunks", "_head", "_need", "expects_continue", "keep_alive")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.keep_alive = True
        self._forget()

    def _forget(self) -> None:
        self._head: Request | None = None
        self._need = 0
        self._chunked = False
        self._chunks = bytearray()
        self.expects_continue = False

    def feed(self, data: bytes) -> None:
        """More bytes from the connection."""
        self._buffer += data

    def take(self) -> Request | None:
        """The next whole request, or None until more bytes come; raises BadRequestError."""
        if self._head is None and not self._take_head():
            return None
        request = self._head
        if request is None:
            return None
        if self._chunked:
            if not self._take_chunks():
                return None
            request.body = bytes(self._chunks)
        elif self._need:
            if len(self._buffer) < self._need:
                return None
            request.body = bytes(self._buffer[: self._need])
            del self._buffer[: self._need]
        self._forget()
        return request

    def _take_head(self) -> bool:
        buffer = self._buffer
        while buffer[:2] == b"\r\n":
            del buffer[:2]
        end = buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(buffer) > MAX_HEAD:
                raise BadRequestError(431, "the head is too long")
            return False
        if end > MAX_HEAD:
            raise BadRequestError(431, "the head is too long")
        lines = bytes(buffer[:end]).decode("latin-1").split("\r\n")
        del buffer[: end + 4]
        version = self._read_line(lines[0])
        self._read_headers(lines[1:], version)
        return True

    def _read_line(self, line: str) -> str:
        words = line.split(" ")
        if len(words) != 3 or not _TOKEN.match(words[0]) or not words[1]:
            raise BadRequestError(400, "no request line")
        method, target, version = words
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            raise BadRequestError(505, "HTTP/1.0 or HTTP/1.1 only")
        if not target.startswith("/"):
            _, _, rest = target.partition("://")
            target = "/" + rest.partition("/")[2]
        target = target.partition("#")[0]
        path, _, query = target.partition("?")
        if "%" in path:
            path = unquote_to_bytes(path.encode("latin-1")).decode("utf-8", "replace")
        self._head = Request(method, path, query)
        return version

    def _read_headers(self, lines: list[str], version: str) -> None:
        request = self._head
        if request is None:
            raise BadRequestError(400, "headers without a request line")
        length, coding, connection, expect = "", "", "", ""
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not _TOKEN.match(name):
                raise BadRequestError(400, "a header without a name")
            value = value.strip(" \t")
            request.headers.append((name, value))
            lower = name.lower()
            if lower == "content-length":
                if length and length != value:
                    raise BadRequestError(400, "two lengths")
                length = value
            elif lower == "transfer-encoding":
                coding = value.lower()
            elif lower == "connection":
                connection = value.lower()
            elif lower == "expect":
                expect = value.lower()
        self._body_plan(length, coding)
        self.keep_alive = "close" not in connection and (version == "HTTP/1.1" or "keep-alive" in connection)
        self.expects_continue = expect == "100-continue"

    def _body_plan(self, length: str, coding: str) -> None:
        if coding:
            if coding != "chunked" or length:
                raise BadRequestError(
                    501 if not length else 400, "only Transfer-Encoding: chunked is understood"
                )
            self._chunked = True
        elif length:
            if not (length.isascii() and length.isdigit()) or len(length) > 15:
                raise BadRequestError(400, "Content-Length is no number")
            self._need = int(length)
            if self._need > MAX_BODY:
                raise BadRequestError(413, "the body is too long")

    def _take_chunks(self) -> bool:
        """Move whole chunks out of the buffer; True when the last has come."""
        buffer = self._buffer
        while True:
            end = buffer.find(b"\r\n")
            if end < 0:
                if len(buffer) > 1024:
                    raise BadRequestError(400, "a chunk without a size")
                return False
            size_text = bytes(buffer[:end]).partition(b";")[0].strip()
            if not _SIZE.match(size_text):
                raise BadRequestError(400, "a chunk without a size")
            size = int(size_text, 16)
            if len(self._chunks) + size > MAX_BODY:
                raise BadRequestError(413, "the body is too long")
            if size == 0:
                return self._take_trailer(end)
            if len(buffer) < end + 2 + size + 2:
                return False
            self._chunks += buffer[end + 2 : end + 2 + size]
            del buffer[: end + 2 + size + 2]

    def _take_trailer(self, end: int) -> bool:
        buffer = self._buffer
        if buffer[end + 2 : end + 4] == b"\r\n":
            del buffer[: end + 4]
            return True
        stop = buffer.find(b"\r\n\r\n", end)
        if stop < 0:
            if len(buffer) > MAX_HEAD:
                raise BadRequestError(431, "the trailer is too long")
            return False
        del buffer[: stop + 4]
        return True
