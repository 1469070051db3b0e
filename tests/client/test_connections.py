"""When the network fails: did the message leave, or may it have left? Real sockets, no mocks."""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import requests
import responses
import urllib3
from hypothesis import given, settings
from hypothesis import strategies as st

from django_messagecentral.client import MessageCentralClient, connections, only_while
from django_messagecentral.exceptions import (
    AnswerLost,
    ConnectionNotMade,
    MessageCentralError,
    Outcome,
    UnreadableAnswer,
)

from .servers import answer_with, drip, raw, raw_server, reset, reset_after_hearing, stall
from .vendor import sent


def client_of(url: str, *, read_timeout: float = 0.5, connect_timeout: float = 0.5) -> MessageCentralClient:
    return MessageCentralClient(
        url, token="a.ready.token", connect_timeout=connect_timeout, read_timeout=read_timeout
    )


def send(one: MessageCentralClient) -> object:
    return one.send_message("91", "9999999999", "Hello", sender_id="UTOMOB")


def failure(one: MessageCentralClient) -> MessageCentralError:
    with pytest.raises(MessageCentralError) as failed:
        send(one)
    one.close()
    return failed.value


# -- never left ----------------------------------------------------------------------------------------


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(client_of(f"http://127.0.0.1:{port}"))
    assert (type(error), error.outcome) == (ConnectionNotMade, Outcome.NEVER_LEFT)


def test_the_name_does_not_resolve() -> None:
    error = failure(client_of("http://no-such-host.invalid"))
    assert (type(error), error.outcome) == (ConnectionNotMade, Outcome.NEVER_LEFT)


def test_a_name_that_no_resolver_can_be_asked_for() -> None:
    error = failure(client_of(f"http://{'a' * 64}.invalid"))
    assert (type(error), error.outcome) == (ConnectionNotMade, Outcome.NEVER_LEFT)


@pytest.fixture
def full_listener() -> Iterator[str]:
    """A listener whose queue is full: connecting times out."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        each = socket.socket()
        each.setblocking(False)
        each.connect_ex(listener.getsockname())
        waiting.append(each)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    for each in [*waiting, listener]:
        each.close()


def test_connecting_takes_too_long(full_listener: str) -> None:
    started = time.monotonic()
    error = failure(client_of(full_listener, connect_timeout=0.3, read_timeout=30))
    assert (type(error), error.outcome) == (ConnectionNotMade, Outcome.NEVER_LEFT)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "behaviour", [reset_after_hearing, raw(b"HTTP/1.1 400 this port speaks plain HTTP\r\n\r\n"), stall(5)]
)
def test_the_tls_handshake_fails(behaviour: object) -> None:
    """The request is only sent once the handshake is over."""
    with raw_server(before_request=behaviour) as server:  # type: ignore[arg-type]
        error = failure(client_of(server.url.replace("http:", "https:")))
    assert (type(error), error.outcome) == (ConnectionNotMade, Outcome.NEVER_LEFT)
    assert server.requests == []


# -- too late ----------------------------------------------------------------------------------------------


def test_a_call_whose_time_is_over_sends_nothing() -> None:
    with raw_server(answer_with("200 OK", sent())) as server:
        one = client_of(server.url)
        with only_while(lambda: False):
            error = failure(one)
        assert (type(error), error.outcome) == (ConnectionNotMade, Outcome.NEVER_LEFT)
        assert "time was over" in str(error)
        assert server.requests == []
        assert send(one), "and outside of it everything is as before"


def test_a_call_whose_time_ends_while_it_waits_for_its_token_sends_nothing() -> None:
    ends = time.monotonic() + 0.3

    def late_token(connected: socket.socket) -> bool | None:
        time.sleep(0.5)
        return answer_with("200 OK", {"token": "a.new.token"})(connected)

    with raw_server(late_token, answer_with("200 OK", sent())) as server:
        one = MessageCentralClient(
            server.url, customer_id="C-1", password="p", connect_timeout=2, read_timeout=2
        )
        with only_while(lambda: time.monotonic() < ends):
            error = failure(one)
    assert error.outcome is Outcome.NEVER_LEFT
    assert len(server.requests) == 1, "the token's only"


# -- may have left ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "behaviour",
    [
        reset,
        raw(b""),  # closed without an answer
        raw(b"HTTP/1.1 2"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b'{"responseCode": 200, "data"'),
        raw(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"re'),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        raw(b"\x00\x01\x02 not http at all\r\n\r\n"),
        stall(5),
        stall(5, b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
    ],
)
def test_the_answer_is_lost(behaviour: object) -> None:
    started = time.monotonic()
    with raw_server(behaviour) as server:  # type: ignore[arg-type]
        error = failure(client_of(server.url))
        assert (type(error), error.outcome) == (AnswerLost, Outcome.MAY_HAVE_LEFT)
        assert len(server.requests) == 1, "nothing is tried again by itself"
    assert time.monotonic() - started < 4


@pytest.mark.parametrize("closing", [b"", b"Connection: close\r\n"])
@pytest.mark.parametrize("pause", [0.05, 0.4])
def test_a_server_that_drips_holds_nobody_for_ever(pause: float, closing: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n" + closing + b"\r\n"
    started = time.monotonic()
    with raw_server(drip(head, pause, 100)) as server:
        one = client_of(server.url)
        error = failure(one)
    assert isinstance(error, AnswerLost)
    assert time.monotonic() - started < one.longest_call + 1


def test_an_endless_body_is_not_collected() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n"
    with raw_server(raw(head + b" " * 3_000_000)) as server:
        error = failure(client_of(server.url, read_timeout=5))
    assert (type(error), error.outcome) == (UnreadableAnswer, Outcome.MAY_HAVE_LEFT)


def test_a_lost_answer_to_a_refused_token_is_still_a_refusal() -> None:
    with raw_server(raw(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 500\r\n\r\n{")) as server:
        error = failure(client_of(server.url))
    assert (error.http_status, error.outcome) == (401, Outcome.NEVER_LEFT)


@pytest.mark.parametrize("first", [reset, stall(5), raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")])
def test_whatever_becomes_of_the_token_call_the_message_never_left(first: object) -> None:
    with raw_server(first) as server:  # type: ignore[arg-type]
        one = MessageCentralClient(
            server.url, customer_id="C-1", password="p", connect_timeout=0.5, read_timeout=0.5
        )
        error = failure(one)
    assert (type(error), error.outcome) == (AnswerLost, Outcome.NEVER_LEFT)


# -- the pool --------------------------------------------------------------------------------------------


def test_one_connection_serves_many_calls() -> None:
    with raw_server(answer_with("200 OK", sent())) as server:
        one = client_of(server.url)
        for _ in range(5):
            send(one)
        assert (len(server.requests), server.connections) == (5, 1)
        one.close()
        send(one)
        assert server.connections == 2, "a closed client opens anew"
        one.close()


def test_a_connection_that_the_server_has_closed_meanwhile_is_opened_anew() -> None:
    with raw_server(answer_with("200 OK", sent())) as server:
        one = client_of(server.url)
        send(one)
        server.drop_connections()
        time.sleep(0.1)
        send(one)
        assert (len(server.requests), server.connections) == (2, 2)
        one.close()


def test_a_stale_connection_that_breaks_under_the_request_may_have_carried_it() -> None:
    with raw_server(answer_with("200 OK", sent()), reset) as server:
        one = client_of(server.url)
        send(one)
        assert isinstance(failure(one), AnswerLost)
        assert len(server.requests) == 2


def test_a_connection_is_not_used_again_after_a_long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_IDLE", 0.05)
    with raw_server(answer_with("200 OK", sent())) as server:
        one = client_of(server.url)
        send(one)
        time.sleep(0.1)
        send(one)
        assert server.connections == 2
        one.close()


def test_many_threads_share_the_client() -> None:
    with raw_server(answer_with("200 OK", sent())) as server:
        one = client_of(server.url, read_timeout=5, connect_timeout=5)
        results: list[object] = []
        threads = [
            threading.Thread(target=lambda: results.extend(send(one) for _ in range(10))) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(results) == 80
        assert server.connections <= 8
        one.close()


def _send_in_child(one: MessageCentralClient, results: multiprocessing.Queue[str]) -> None:
    send(one)
    one.close()
    results.put("sent")


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_makes_its_own_connections() -> None:
    context = multiprocessing.get_context("fork")
    with raw_server(answer_with("200 OK", sent())) as server:
        one = client_of(server.url, read_timeout=5)
        send(one)
        results = context.Queue()
        child = context.Process(target=_send_in_child, args=(one, results))
        child.start()
        assert results.get(timeout=20) == "sent"
        child.join(20)
        send(one)
        assert (len(server.requests), server.connections) == (3, 2)
        one.close()


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with raw_server(answer_with("200 OK", sent())) as server:
        one = client_of(server.url)
        send(one)
        one.close()


def test_a_dead_proxy_means_that_nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    error = failure(client_of("https://vendor.invalid"))
    assert (type(error), error.outcome) == (ConnectionNotMade, Outcome.NEVER_LEFT)


def test_a_proxy_that_refuses_the_tunnel_means_that_nothing_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with raw_server(raw(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")) as proxy:
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy.url)
        error = failure(client_of("https://vendor.invalid"))
    assert (type(error), error.outcome) == (ConnectionNotMade, Outcome.NEVER_LEFT)
    assert os.path.basename(proxy.requests[0].split()[1].decode()) == "vendor.invalid:443"


# -- errors of the libraries, also where a site's tests make them up ---------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (requests.ConnectTimeout(), ConnectionNotMade),
        (requests.ReadTimeout(), AnswerLost),
        (requests.Timeout(), AnswerLost),
        (requests.ConnectionError(), AnswerLost),
        (requests.exceptions.ChunkedEncodingError(), AnswerLost),
        (requests.exceptions.InvalidURL(), ConnectionNotMade),
        (urllib3.exceptions.ProtocolError("reset"), AnswerLost),
        (ConnectionResetError(104, "reset"), AnswerLost),
        (TimeoutError(), AnswerLost),
    ],
)
def test_in_doubt_it_may_have_left(error: Exception, kind: type[MessageCentralError]) -> None:
    with responses.RequestsMock() as mock:
        mock.post("http://127.0.0.1:1/verification/v3/send", body=error)
        assert type(failure(client_of("http://127.0.0.1:1"))) is kind


# -- whatever bytes come -----------------------------------------------------------------------------------

header_lines = st.sampled_from(
    [
        b"Content-Length: 5",
        b"Content-Length: -1",
        b"Content-Length: 99999999999999999999",
        b"Content-Length: five",
        b"Transfer-Encoding: chunked",
        b"Content-Encoding: gzip",
        b"Content-Encoding: gzip, deflate, br, zstd",
        b"Content-Type: text/html; charset=\xff\x00",
        b"Set-Cookie: a=b; expires=\xff; domain=..; path",
        b"Location: http://[",
        b"Retry-After: \xb2",
        b"Connection: close",
    ]
) | st.binary(max_size=40)
answers = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda status, headers, body: (
            b"HTTP/1.1 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in headers) + b"\r\n" + body
        ),
        st.sampled_from(
            [b"200 OK", b"204 None", b"304 Same", b"100 Continue", b"401 No", b"503 Later", b"999 ?"]
        ),
        st.lists(header_lines, max_size=4),
        st.sampled_from(
            [b"", b'5\r\n{"a":\r\n0\r\n\r\n', b"\x1f\x8b\x08\x00garbage", b'{"responseCode": 200}']
        )
        | st.binary(max_size=60),
    ),
)


@settings(max_examples=150, deadline=None)
@given(answers)
def test_any_bytes_from_the_socket_are_a_result_or_one_of_our_errors(answer: bytes) -> None:
    with raw_server(raw(answer)) as server:
        one = client_of(server.url, read_timeout=5)
        try:
            send(one)
        except MessageCentralError as error:
            outcome = error.outcome
        else:
            outcome = Outcome.ACCEPTED
        finally:
            one.close()
    if outcome is Outcome.ACCEPTED:
        assert b'{"responseCode": 200}' in answer
    elif outcome is Outcome.NEVER_LEFT:
        assert b"401" in answer
