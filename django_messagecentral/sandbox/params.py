"""Requests and their parameters: query string, form and multipart, as the real service takes them all."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

MAX_FIELDS = 10_000


class BadBodyError(ValueError):
    """The body cannot be read as what its Content-Type says."""


@dataclass(slots=True)
class Request:
    """An HTTP request. ``path`` is unquoted, without ``prefix`` (where a Django site mounts it)."""

    method: str
    path: str
    query: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    prefix: str = ""

    def header(self, name: str) -> str:
        """The first header of that name (any case), or "" without one."""
        wanted = name.lower()
        for key, value in self.headers:
            if key.lower() == wanted:
                return value
        return ""

    @property
    def target(self) -> str:
        """The path with its query string, as asked."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def query_params(self) -> dict[str, str]:
        """The query string's parameters; of a repeated one the first counts."""
        return _first(_pairs(self.query))


def _pairs(text: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as exc:
        raise BadBodyError("too many parameters") from exc


def _first(pairs: list[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


def read_params(request: Request) -> tuple[dict[str, str], dict[str, bytes]]:
    """(parameters, uploaded files by field) from the query string and a form or multipart body.

    The query string wins over the body. A body of another type is ignored, as @RequestParam does.
    Raises BadBodyError for a multipart or form that cannot be read.
    """
    params = request.query_params() if request.query else {}
    files: dict[str, bytes] = {}
    if request.body:
        content_type = request.header("content-type")
        kind = content_type.partition(";")[0].strip().lower()
        if kind == "application/x-www-form-urlencoded":
            try:
                text = request.body.decode("utf-8")
            except UnicodeDecodeError as exc:
                raise BadBodyError("the form is not UTF-8") from exc
            params = _first(_pairs(text)) | params
        elif kind == "multipart/form-data":
            fields, files = read_multipart(content_type, request.body)
            params = fields | params
    return params, files


def read_json(request: Request) -> Any:
    """The body as JSON; raises BadBodyError."""
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError) as exc:
        raise BadBodyError("the body is not JSON") from exc


_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))', re.IGNORECASE)
_NAME = re.compile(rb'(?:^|[;\s])name=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)
_FILENAME = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)


def _delimiter(content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise BadBodyError("multipart without a boundary")
    return b"--" + (found[1] or found[2]).encode("latin-1", "replace")


def closing(content_type: str) -> bytes:
    """What ends a multipart body, for one that was kept in part only; raises BadBodyError."""
    return b"\r\n" + _delimiter(content_type) + b"--\r\n"


def read_multipart(content_type: str, body: bytes) -> tuple[dict[str, str], dict[str, bytes]]:
    """(fields, files) of a multipart/form-data body (RFC 7578); raises BadBodyError."""
    delimiter = _delimiter(content_type)
    pieces = (b"\r\n" + body).split(b"\r\n" + delimiter)
    end = next((number for number, piece in enumerate(pieces) if number and piece.startswith(b"--")), 0)
    if not end:
        raise BadBodyError("multipart is cut short")
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for piece in pieces[1:end]:
        head, separator, content = piece.partition(b"\r\n\r\n")
        if not separator:
            raise BadBodyError("a part has no end of headers")
        disposition = next(
            (line for line in head.split(b"\r\n") if line.lower().startswith(b"content-disposition:")), b""
        )
        name = _NAME.search(disposition)
        if name is None:
            raise BadBodyError("a part has no name")
        key = (name[1] if name[1] is not None else name[2]).decode("utf-8", "replace")
        if _FILENAME.search(disposition):
            files.setdefault(key, content)
        else:
            fields.setdefault(key, content.decode("utf-8", "replace"))
    return fields, files
