"""The sandbox's own HTTP: what sockets can bring, in any pieces."""

from __future__ import annotations

import re
import socket
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_messagecentral.sandbox import SandboxServer
from django_messagecentral.sandbox.httpparse import BadRequestError, RequestParser
from django_messagecentral.sandbox.params import BadBodyError, Request, read_multipart, read_params

PIPELINED = (
    b"GET /_sandbox/stats HTTP/1.1\r\nHost: a\r\n\r\n"
    b"POST /x%20y?q=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    b"POST /z HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nTrailer: 1\r\n\r\n"
    b"GET http://proxy.example/absolute?a=b#part HTTP/1.0\r\n\r\n"
)


@given(st.lists(st.integers(1, len(PIPELINED) - 1), max_size=12))
def test_requests_are_the_same_in_whatever_pieces_they_come(cuts: list[int]) -> None:
    parser, found = RequestParser(), []
    edges = [0, *sorted(cuts), len(PIPELINED)]
    for start, end in pairwise(edges):
        parser.feed(PIPELINED[start:end])
        while (request := parser.take()) is not None:
            found.append((request.method, request.path, request.query, request.body))
    assert found == [
        ("GET", "/_sandbox/stats", "", b""),
        ("POST", "/x y", "q=1", b"hello"),
        ("POST", "/z", "", b"abcdefg"),
        ("GET", "/absolute", "a=b", b""),
    ]
    assert not parser.keep_alive


@given(st.binary(max_size=300))
def test_no_bytes_break_the_parser(data: bytes) -> None:
    parser = RequestParser()
    parser.feed(data + b"\r\n\r\n")
    try:
        for _ in range(300):
            if parser.take() is None:
                break
    except BadRequestError as exc:
        status = exc.status
    else:
        status = 400
    assert status in (400, 413, 431, 501, 505)


@given(st.binary(max_size=200), st.text(max_size=60))
def test_no_body_breaks_the_reading_of_parameters(body: bytes, boundary: str) -> None:
    for kind in (
        "application/x-www-form-urlencoded",
        f"multipart/form-data; boundary={boundary}",
        "multipart/form-data",
    ):
        try:
            params, files = read_params(Request("POST", "/", "a=1", [("Content-Type", kind)], body))
        except BadBodyError:
            continue
        assert params["a"] == "1"
        assert all(isinstance(content, bytes) for content in files.values())


@given(
    st.dictionaries(
        st.text('abcäß "', min_size=1).filter(lambda s: '"' not in s), st.binary(max_size=50), max_size=4
    )
)
def test_multipart_keeps_every_byte(parts: dict[str, bytes]) -> None:
    body = (
        b"".join(
            b'--sep\r\nContent-Disposition: form-data; name="'
            + name.encode()
            + b'"; filename="x"\r\n\r\n'
            + content
            + b"\r\n"
            for name, content in parts.items()
        )
        + b"--sep--\r\n"
    )
    _, files = read_multipart("multipart/form-data; boundary=sep", body)
    assert files == {name: content for name, content in parts.items() if b"\r\n--sep" not in content}


def talk(sandbox: SandboxServer, data: bytes) -> bytes:
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        sock.sendall(data)
        received = b""
        while piece := sock.recv(65536):
            received += piece
        return received


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
        (b"GET / HTTP/2\r\n\r\n", b"505"),
        (b"GET /\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000, b"431"),
    ],
)
def test_what_is_no_request_is_told_and_the_connection_closed(
    sandbox: SandboxServer, data: bytes, status: bytes
) -> None:
    assert talk(sandbox, data).split(b" ")[1] == status


def test_pipelined_requests_are_answered_in_order(sandbox: SandboxServer) -> None:
    sandbox.configure(latency=0.1)
    token = sandbox.state.tokens.issue("C-SANDBOX0000001", sandbox.state.clock.now(), 100)
    path = "/verification/v3/send?countryCode=91&flowType=SMS&mobileNumber=9876500001"
    send = f"POST {path} HTTP/1.1\r\nauthToken: {token}\r\n"
    data = send + "\r\n" + send + "Connection: close\r\n\r\n"
    received = talk(sandbox, data.encode()).decode()
    codes = [int(code) for code in re.findall(r'"responseCode":(\d+)', received)]
    assert codes == [200, 506]


def test_head_has_no_body(sandbox: SandboxServer) -> None:
    received = talk(sandbox, b"HEAD /_sandbox/stats HTTP/1.1\r\nConnection: close\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"Content-Length: 0" not in head
    assert body == b""


def test_a_client_that_leaves_while_it_waits_is_forgotten(sandbox: SandboxServer) -> None:
    host, port = sandbox.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        sock.sendall(b"GET /_sandbox/wait?mobile=919876543210&timeout=30 HTTP/1.1\r\n\r\n")
    received = talk(sandbox, b"GET /_sandbox/stats HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200")
