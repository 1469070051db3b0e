"""Callbacks over real sockets, to sites that answer in every way a site can."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_messagecentral.sandbox import SandboxServer
from django_messagecentral.sandbox.poster import read_answer

from .conftest import ForeignClient

Answering = Callable[[socket.socket, bytes], bool]


class RawSite:
    """A site one writes byte by byte: ``answer(sock, body)`` gives True to keep the connection."""

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.bodies: list[dict[str, Any]] = []
        self.open = self.most_open = self.connections = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/hook?x=1"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(sock,), daemon=True).start()

    def _talk(self, sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as file:
            while True:
                head = b""
                while (line := file.readline()) not in (b"\r\n", b""):
                    head += line
                if not head:
                    return
                assert head.startswith(b"POST /hook?x=1 HTTP/1.1\r\n")
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                body = file.read(length)
                with self.lock:
                    self.bodies.append(json.loads(body))
                    self.open += 1
                    self.most_open = max(self.most_open, self.open)
                keep = self.answer(sock, body)
                with self.lock:
                    self.open -= 1
                if not keep:
                    return

    def close(self) -> None:
        self.listener.close()


@pytest.fixture
def raw_site(sandbox: SandboxServer) -> Iterator[Callable[[Answering], RawSite]]:
    made: list[RawSite] = []

    def make(answer: Answering) -> RawSite:
        made.append(RawSite(answer))
        sandbox.configure(callback_url=made[-1].url, callback_delay=0, callback_retries=0, callback_timeout=1)
        return made[-1]

    yield make
    sandbox.configure(callback_url=None)
    for site in made:
        site.close()


def saying(data: bytes, *, keep: bool = True) -> Answering:
    def answer(sock: socket.socket, body: bytes) -> bool:
        sock.sendall(data)
        return keep

    return answer


@pytest.mark.parametrize(
    ("answer", "state", "status", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "answered", 200, "ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "answered", 204, ""),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
            "answered",
            201,
            "",
        ),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope", "failed", 403, "nope"),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", "failed", 302, ""),
    ],
)
def test_what_a_site_answers_is_kept(
    sandbox: SandboxServer,
    client: ForeignClient,
    raw_site: Any,
    answer: bytes,
    state: str,
    status: int,
    said: str,
) -> None:
    raw_site(saying(answer))
    client.sms()
    sandbox.wait_for_callbacks()
    (report,) = sandbox.state.reports.values()
    assert report.state == state
    assert (report.attempts[0].http_status, report.attempts[0].said) == (status, said)


def test_a_chunked_answer_and_one_that_ends_by_closing(
    sandbox: SandboxServer, client: ForeignClient, raw_site: Any
) -> None:
    raw_site(saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
    client.sms()
    raw = sandbox.wait_for_callbacks()
    assert raw["answered"] == 1
    raw_site(saying(b"HTTP/1.0 200 OK\r\n\r\nbye", keep=False))
    client.sms("9816111111")
    assert sandbox.wait_for_callbacks()["answered"] == 2


@pytest.mark.parametrize(
    "answer", [b"SMTP 220 hello\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", b"", b"HTTP/1.1 200 OK\r\nContent-"]
)
def test_what_is_no_answer_is_a_failure(
    sandbox: SandboxServer, client: ForeignClient, raw_site: Any, answer: bytes
) -> None:
    raw_site(saying(answer, keep=False))
    client.sms()
    assert sandbox.wait_for_callbacks()["failed"] == 1
    (report,) = sandbox.state.reports.values()
    assert report.attempts[0].http_status is None
    assert report.attempts[0].said


def test_a_site_that_never_answers_is_left_after_the_timeout(
    sandbox: SandboxServer, client: ForeignClient, raw_site: Any
) -> None:
    raw_site(lambda sock, body: bool(time.sleep(1.5)))
    sandbox.configure(callback_timeout=0.3)
    client.sms()
    assert sandbox.wait_for_callbacks()["failed"] == 1
    (report,) = sandbox.state.reports.values()
    assert "no answer within 0.3 s" in report.attempts[0].said


def test_connections_are_kept_and_never_more_than_allowed(
    sandbox: SandboxServer, client: ForeignClient, raw_site: Any
) -> None:
    def slowly(sock: socket.socket, body: bytes) -> bool:
        time.sleep(0.01)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return True

    site = raw_site(slowly)
    sandbox.configure(callback_connections=3)
    numbers = ",".join(f"91 98765{n:05d}" for n in range(60))
    client.send(type="SMS", flowType="SMS", senderId="S", message="m", phoneNumbers=numbers)
    assert sandbox.wait_for_callbacks()["answered"] == 60
    assert site.most_open <= 3
    assert site.connections <= 3


def test_a_connection_the_site_closed_meanwhile_is_replaced(
    sandbox: SandboxServer, client: ForeignClient, raw_site: Any
) -> None:
    site = raw_site(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", keep=False))
    for number in range(5):
        client.sms(f"98765{number:05d}")
        sandbox.wait_for_callbacks()
    assert sandbox.stats()["callbacks"] == {
        "planned": 5, "pending": 0, "posting": 0, "answered": 5, "failed": 0, "unposted": 0, "posts": 5,
    }  # fmt: skip
    assert len(site.bodies) == 5


def test_many_senders_at_once_each_text_is_reported_exactly_once(
    sandbox: SandboxServer, raw_site: Any
) -> None:
    site = raw_site(saying(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))

    def sender(part: int) -> None:
        foreign = ForeignClient(sandbox.url)
        foreign.login()
        for number in range(60):
            foreign.sms(f"98{part:02d}{number:06d}")
        foreign.http.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(sender, range(8)))
    assert sandbox.wait_for_callbacks(30)["answered"] == 480
    mobiles = [body["mobile"] for body in site.bodies]
    assert len(mobiles) == len(set(mobiles)) == sandbox.stats()["texts_received"] == 480


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_break_the_reading_of_answers(data: bytes, ended: bool) -> None:
    for prefix in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"):
        try:
            found = read_answer(bytearray(prefix + data), ended=ended)
        except ValueError:
            continue
        assert found is None or found[0] >= 200


def test_https_callbacks_check_the_certificate(tmp_path: Path) -> None:
    """A process that trusts the site's certificate posts to it; one that does not, refuses."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    (tmp_path / "run.py").write_text(HTTPS_RUN)
    for trusted, expected in ((True, "answered"), (False, "failed")):
        environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"}
        if trusted:
            environment["SSL_CERT_FILE"] = str(tmp_path / "cert.pem")
        done = subprocess.run(
            [sys.executable, "run.py"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout.strip() == expected, done.stderr


HTTPS_RUN = """
import ssl, threading, urllib.request, json
from http.server import BaseHTTPRequestHandler, HTTPServer
from django_messagecentral.sandbox import SandboxServer

class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

site = HTTPServer(("127.0.0.1", 0), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("cert.pem", "key.pem")
site.socket = context.wrap_socket(site.socket, server_side=True)
threading.Thread(target=site.serve_forever, daemon=True).start()
url = f"https://localhost:{site.server_port}/"
with SandboxServer(callback_url=url, callback_delay=0, callback_retries=0) as s:
    base = s.url + "/auth/v1/authentication/token?customerId=C-SANDBOX0000001&key=c2FuZGJveA=="
    token = json.load(urllib.request.urlopen(base))["token"]
    send = s.url + "/verification/v3/send?flowType=SMS&countryCode=91&mobileNumber=9876543210"
    urllib.request.urlopen(urllib.request.Request(send, method="POST", headers={"authToken": token}))
    s.wait_for_callbacks()
    print(next(iter(s.state.reports.values())).state)
"""
