"""Whatever fails, the password, its key, the token and the codes are nowhere to be read."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
import requests
import responses

from django_messagecentral.client import MessageCentralClient, SendResult, Token
from django_messagecentral.client.answers import Answer, Scrubber
from django_messagecentral.client.http import Call
from django_messagecentral.exceptions import MessageCentralError

from .servers import answer_with, raw, raw_server, reset, stall
from .vendor import KEY, PASSWORD, SEND_URL, TOKEN_URL, VALIDATE_URL, client, jwt, sent, vendor

TOKEN = jwt(exp=9_999_999_999)
CODE = "847261"
TEXT = f"{CODE} is your code"
SECRETS = {PASSWORD, KEY, quote(KEY), quote_plus(KEY), TOKEN, CODE}


def assert_no_secret(text: str) -> None:
    for secret in SECRETS:
        assert secret not in text


def frames(error: BaseException) -> Iterator[str]:
    """Local variables of every frame below the test's own, as error pages and trackers show them."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        waiting += [current.__cause__, current.__context__]
        for frame, _ in traceback.walk_tb(current.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                yield from (f"{name}={value!r}" for name, value in frame.f_locals.items())


ANSWERS: list[dict[str, Any]] = [
    {"status": 401},
    {"status": 500, "body": f"failed for {TOKEN}"},
    {"status": 400, "json": {"responseCode": 400, "message": f"cannot send {TEXT} with {TOKEN} and {KEY}"}},
    {"status": 200, "body": "<html>"},
    {"status": 302, "headers": {"Location": f"{SEND_URL}?key={KEY}"}},
    {"body": requests.ConnectionError(f"Max retries exceeded with url: {SEND_URL}?code={CODE}&key={KEY}")},
    {"body": requests.ReadTimeout(f"{VALIDATE_URL}?code={CODE}")},
]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("method", ["token", "send", "validate"])
def test_no_error_shows_a_secret(
    answer: dict[str, Any], method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        if method == "token":
            mock.get(TOKEN_URL, **answer)
        else:
            mock.get(TOKEN_URL, json={"status": 200, "token": TOKEN})
        mock.post(SEND_URL, **answer)
        mock.get(VALIDATE_URL, **answer)
        act = (
            (lambda one: one.validate_otp("2949", CODE))
            if method == "validate"
            else (lambda one: one.send_message("91", "9999999999", TEXT, sender_id="UTOMOB"))
        )
        with pytest.raises(MessageCentralError) as failed:
            act(client())
    error = failed.value
    assert error.__cause__ is None
    assert error.__context__ is None, "no error of the HTTP library hides behind ours"
    assert_no_secret(str(error) + repr(error) + repr(error.args) + repr(error.__dict__))
    assert_no_secret("".join(traceback.format_exception(error)))
    assert_no_secret("\n".join(frames(error)))
    assert_no_secret(caplog.text)


@pytest.mark.parametrize(
    "behaviour",
    [
        answer_with("200 OK", sent()),
        answer_with("400 Bad Request", {"responseCode": 400}),
        raw(b"HTTP/1.1 200 OK\r\nbroken header line\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
        stall(2),
        reset,
    ],
)
def test_no_log_line_of_the_http_libraries_shows_a_secret(
    behaviour: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with raw_server(answer_with("200 OK", {"status": 200, "token": TOKEN}), behaviour) as server:
        one = MessageCentralClient(
            server.url, customer_id="C-1", password=PASSWORD, connect_timeout=0.5, read_timeout=0.5
        )
        for act in (
            lambda: one.validate_otp("2949", CODE),
            lambda: one.send_message("91", "9999999999", TEXT, sender_id="UTOMOB"),
        ):
            try:
                act()
            except MessageCentralError as error:
                logging.getLogger("site").exception("failed: %r", error)
        one.close()
    assert '"GET /auth/v1/authentication/token HTTP/1.1" 200' in caplog.text
    assert_no_secret(caplog.text)


def test_no_repr_shows_a_secret() -> None:
    with vendor(token=TOKEN) as mock:
        mock.post(SEND_URL, json=sent(mobileNumber="9999999999"))
        one = client()
        result = one.send_otp("91", "9999999999")
    call = Call("GET", "/auth/v1/authentication/token", query=[("key", KEY)])
    shown = [
        one,
        one._credentials,
        one._transport,
        one._tokens,
        Token(TOKEN, 1.0),
        call,
        Answer(200, KEY.encode()),
    ]
    assert_no_secret(" ".join(repr(each) for each in shown))
    assert "9999999999" not in repr(result)
    assert "9999999999" in pickle.loads(pickle.dumps(result)).mobile_number
    assert isinstance(result, SendResult)


def test_the_vendors_words_are_made_fit_for_a_log_line() -> None:
    words = "Number 919876543210\nis blocked for key hunter2, see 12 in " + "x" * 40
    assert Scrubber("hunter2").clean(words) == "Number … is blocked for key …, see 12 in …"
    assert len(Scrubber().clean("word " * 100)) <= 120
