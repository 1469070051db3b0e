"""Where a webhook may go: nowhere inside, whatever name or spelling leads there."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from django_messagecentral.webhooks.addresses import Unreachable, check_url, resolve
from django_messagecentral.webhooks.posting import post
from tests.webhooks.conftest import Receiver


def allow(settings: Any, *networks: str) -> None:
    settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "OUTGOING_ALLOWED_NETWORKS": networks}


def resolves_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        if host in addresses:  # what create_connection asks about a literal
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "https://",
        "https:///hook",
        "https://user:secret@example.com/",
        "https://example.com/#part",
        "https://example.com:99999/",
        "https://exa mple.com/",
        "https://example.com\\@10.0.0.1/",
        "https://example.com/\r\nHost: inner",
        "https://пример.рф/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/",
        "https://[fe80::1]/",
        "https://[fd00:ec2::254]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::a00:1]/",
        "https://[2002:a00:1::]/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
    ],
)
def test_such_addresses_are_refused_when_they_are_entered(url: str, settings: Any) -> None:
    allow(settings)
    with pytest.raises(Unreachable):
        check_url(url)


def test_plain_http_is_for_development(settings: Any) -> None:
    assert check_url("http://example.com/").port == 80
    settings.DEBUG = False
    with pytest.raises(Unreachable, match="https"):
        check_url("http://example.com/")
    target = check_url("https://example.com:8443/a?b=c")
    assert (target.authority, target.path) == ("example.com:8443", "/a?b=c")


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.1.2.3"], ["93.184.215.14", "192.168.0.1"], []])
def test_a_name_that_leads_inside_is_refused(
    addresses: list[str], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(settings)
    resolves_to(monkeypatch, *addresses)
    with pytest.raises(Unreachable):
        resolve(check_url("https://subscriber.example/"))
    answer = post("https://subscriber.example/", "{}", {}, 2.0)
    assert answer.status is None
    assert not any(address in answer.detail for address in addresses)


def test_other_spellings_of_this_machine_lead_nowhere(settings: Any, receiver: Receiver) -> None:
    allow(settings)
    port = check_url_port(receiver.url)
    for host in ("localhost", "127.1", "2130706433", "0x7f.1", "0", "[::ffff:127.0.0.1]"):
        assert post(f"http://{host}:{port}/", "{}", {}, 2.0).status is None
    assert receiver.requests == []


def check_url_port(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


def test_the_connection_goes_to_the_address_that_was_looked_at(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that changes its address between the look and the call gains nothing: it is asked once."""
    asked = resolves_to(monkeypatch, "127.0.0.1")
    port = check_url_port(receiver.url)
    answer = post(f"http://subscriber.example:{port}/x", "{}", {}, 3.0)
    assert answer.status == 204
    assert asked.count("subscriber.example") == 1
    assert receiver.requests[0].headers["host"] == f"subscriber.example:{port}"


def test_redirects_and_proxies_are_not_followed(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1/")
    receiver.status, receiver.answer_headers = 302, {"Location": receiver.url}
    answer = post(receiver.url, "{}", {}, 3.0)
    assert (answer.status, answer.detail) == (302, "redirects are not followed")
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("piece", [b"", b"HTTP/1.1 200 OK\r\nX: y"])
def test_a_server_that_drips_is_cut_off(piece: bytes) -> None:
    """Each byte comes within the socket's own timeout, and still the whole is bounded."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def drip() -> None:
        connection, _peer = listener.accept()
        with connection:
            connection.sendall(piece)
            while not over.wait(0.1):
                try:
                    connection.sendall(b"z")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    began = time.monotonic()
    answer = post(f"http://127.0.0.1:{listener.getsockname()[1]}/", "{}", {}, 1.0)
    took = time.monotonic() - began
    over.set()
    thread.join()
    listener.close()
    assert (answer.status, took < 2.5) == (None, True)


class _Ok(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Not into the tests' output."""


class _Quiet(HTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A refused handshake is what the test is about."""


def test_tls_is_checked_against_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=subscriber.example"
    more = ["-addext", "subjectAltName=DNS:subscriber.example", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command.split(), *more], check=True, capture_output=True)
    server = _Quiet(("127.0.0.1", 0), _Ok)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    resolves_to(monkeypatch, "127.0.0.1")
    try:
        stranger = post(f"https://subscriber.example:{server.server_port}/", "{}", {}, 3.0)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        known = post(f"https://subscriber.example:{server.server_port}/", "{}", {}, 3.0)
        other = post(f"https://other.example:{server.server_port}/", "{}", {}, 3.0)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert (stranger.status, stranger.detail) == (None, "TLS: CERTIFICATE_VERIFY_FAILED")
    assert known.status == 200
    assert (other.status, other.detail) == (None, "TLS: CERTIFICATE_VERIFY_FAILED")
