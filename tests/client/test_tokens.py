"""One token call for many calls; renewed in time, once, by one caller; never a loop."""

from __future__ import annotations

import base64
import json
import threading
import time
from typing import Any

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from django_messagecentral import exceptions as errors
from django_messagecentral.client import MemoryTokenStore, Token, tokens
from django_messagecentral.client.tokens import TokenSource, jwt_expiry
from django_messagecentral.exceptions import AuthenticationFailed, MessageCentralError, Outcome

from .vendor import SEND_URL, TOKEN_URL, client, jwt, refused, sent, vendor


def send(one: Any) -> object:
    return one.send_otp("91", "9999999999")


def count(mock: responses.RequestsMock, url: str) -> int:
    return sum(call.request.url.split("?")[0] == url for call in mock.calls)


def tokens_used(mock: responses.RequestsMock) -> list[str]:
    return [call.request.headers["authToken"] for call in mock.calls if "/send" in call.request.url]


def test_a_token_is_fetched_once_for_many_calls() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        one = client()
        for _ in range(5):
            send(one)
        assert (count(mock, TOKEN_URL), count(mock, SEND_URL)) == (1, 5)


def test_two_clients_share_a_store_but_changed_credentials_never_reuse_a_token() -> None:
    store = MemoryTokenStore()
    with vendor() as mock:
        mock.post(SEND_URL, json=sent())
        send(client(token_store=store))
        send(client(token_store=store))
        assert count(mock, TOKEN_URL) == 1
        for changed in ({"password": "new"}, {"customer_id": "C-2"}, {"scope": "OLD"}, {"email": "a@b.c"}):
            send(client(token_store=store, **changed))
        assert count(mock, TOKEN_URL) == 5


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_is_renewed_and_the_call_made_again_once(status: int) -> None:
    with responses.RequestsMock() as mock:
        mock.get(TOKEN_URL, json={"status": 200, "token": "first.to.ken"})
        mock.get(TOKEN_URL, json={"status": 200, "token": "second.to.ken"})
        mock.post(SEND_URL, status=status)
        mock.post(SEND_URL, json=sent())
        send(client())
        assert tokens_used(mock) == ["first.to.ken", "second.to.ken"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 401},
        {"status": 403, "body": "<html>forbidden"},
        {"status": 401, "json": {"responseCode": 400, "message": "Invalid token"}},
        {"status": 401, "json": {"responseCode": 1234, "message": "Token expired"}},
        {"status": 200, "json": {"status": 401, "error": "Unauthorized"}},
    ],
)
def test_never_a_loop(answer: dict[str, Any]) -> None:
    with vendor() as mock:
        mock.post(SEND_URL, **answer)
        with pytest.raises(AuthenticationFailed) as failed:
            send(client())
        assert (count(mock, TOKEN_URL), count(mock, SEND_URL)) == (2, 2)
    assert failed.value.outcome is Outcome.NEVER_LEFT


def test_a_refused_ready_token_fails_at_once() -> None:
    with vendor() as mock:
        mock.post(SEND_URL, status=401)
        with pytest.raises(AuthenticationFailed):
            send(client(customer_id="", password="", token="ready.made.token"))
        assert (count(mock, TOKEN_URL), count(mock, SEND_URL)) == (0, 1)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"json": {"status": 400, "error": "customerId is invalid"}}, AuthenticationFailed),
        ({"json": {"status": "400", "error": "key is invalid"}}, AuthenticationFailed),
        ({"json": {"responseCode": 501, "message": "INVALID_CUSTOMER_ID"}}, AuthenticationFailed),
        ({"json": {"status": 400, "error": "no"}, "status": 400}, AuthenticationFailed),
        ({"status": 401}, AuthenticationFailed),
        ({"status": 403, "body": "<html>"}, AuthenticationFailed),
        ({"status": 429}, errors.RateLimited),
        ({"json": refused(800)}, errors.MaximumLimitReached),
        ({"status": 502}, errors.GatewayError),
        ({"json": refused(500)}, errors.ServerError),
        ({"json": {"status": 200, "token": None}}, errors.UnreadableAnswer),
        ({"json": {"status": 200, "token": ["t"]}}, errors.UnreadableAnswer),
        ({"json": {"status": 200, "token": "line\nbreak"}}, errors.UnreadableAnswer),
        ({"json": {"status": 200}}, errors.UnreadableAnswer),
        ({"body": "<html>"}, errors.UnreadableAnswer),
        ({"status": 302, "headers": {"Location": "/login"}}, errors.UnreadableAnswer),
    ],
)
def test_a_refused_credential_is_said_clearly_and_nothing_left(
    answer: dict[str, Any], kind: type[MessageCentralError]
) -> None:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(TOKEN_URL, **answer)
        mock.post(SEND_URL, json=sent())
        with pytest.raises(MessageCentralError) as failed:
            send(client())
        assert (count(mock, TOKEN_URL), count(mock, SEND_URL)) == (1, 0)
    assert (type(failed.value), failed.value.outcome) == (kind, Outcome.NEVER_LEFT)


def test_the_reason_of_a_refusal_is_in_the_error() -> None:
    with responses.RequestsMock() as mock:
        mock.get(TOKEN_URL, json={"status": 400, "error": "customerId is invalid"})
        with pytest.raises(AuthenticationFailed, match="customerId is invalid"):
            send(client())


# -- how long a token is used ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "used_for"),
    [
        (jwt(exp=1_000_000 + 86_400), 86_400 - 300),
        (jwt(exp=str(1_000_000 + 86_400)), 86_400 - 300),
        (jwt(exp=1_000_000 + 157_680_000), 157_680_000 - 300),
        (jwt(exp=1_000_000 + 600), 600 - 60),
        (jwt(exp=1_000_000 - 5), 10),  # clocks differ: try it rather than ask for ever
        (jwt(), 3600 - 300),
        (jwt(exp="soon"), 3600 - 300),
        (jwt(exp=None), 3600 - 300),
        (jwt(exp=True), 10),
        (jwt(exp=1e300), 3600 - 300),
        ("not a jwt", 3600 - 300),
        ("a.%%%.c", 3600 - 300),
        ("a." + base64.b64encode(b"[1]").decode() + ".c", 3600 - 300),
    ],
)
def test_exp_says_when_to_renew_and_without_one_it_is_an_hour(value: str, used_for: float) -> None:
    assert Token.from_jwt(value, now=1_000_000).renew_at - 1_000_000 == used_for


@given(st.text() | st.binary().map(lambda raw: f"a.{base64.urlsafe_b64encode(raw).decode()}.c"))
def test_any_token_text_has_an_expiry_or_none(text: str) -> None:
    found = jwt_expiry(text)
    assert found is None or found > 0


@given(st.recursive(st.integers() | st.floats() | st.text(max_size=5) | st.none(), st.lists, max_leaves=4))
def test_any_exp_is_read_or_ignored(exp: object) -> None:
    body = base64.urlsafe_b64encode(json.dumps({"exp": exp}).encode()).decode().rstrip("=")
    token = Token.from_jwt(f"a.{body}.c", now=1_000_000.0)
    assert 1_000_010 <= token.renew_at <= 1e11


def test_a_token_is_renewed_shortly_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.time()
    with vendor(token=jwt(exp=int(start) + 3600)) as mock:
        mock.post(SEND_URL, json=sent())
        one = client()
        send(one)
        monkeypatch.setattr(time, "time", lambda: start + 3200)
        send(one)
        assert count(mock, TOKEN_URL) == 1
        monkeypatch.setattr(time, "time", lambda: start + 3400)
        send(one)
        assert count(mock, TOKEN_URL) == 2


# -- many callers ------------------------------------------------------------------------------------------


class Fetches:
    """A token call that takes ``seconds``."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.count = 0
        self._lock = threading.Lock()

    def __call__(self) -> Token:
        with self._lock:
            self.count += 1
            number = self.count
        time.sleep(self.seconds)
        return Token(f"token-{number}", time.time() + 3600)


def in_threads(number: int, act: Any) -> list[Any]:
    results: list[Any] = []
    threads = [threading.Thread(target=lambda: results.append(act())) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_one_of_many_threads_fetches() -> None:
    fetches = Fetches(0.2)
    source = TokenSource(MemoryTokenStore(), "key", fetches)
    results = in_threads(20, source.current)
    assert {token.value for token in results} == {"token-1"}
    assert fetches.count == 1


def test_a_token_refused_to_many_threads_is_renewed_once() -> None:
    fetches = Fetches(0.1)
    source = TokenSource(MemoryTokenStore(), "key", fetches)
    old = source.current()
    results = in_threads(20, lambda: source.renew(refused=old))
    assert {token.value for token in results} == {"token-2"}
    assert fetches.count == 2


def test_who_has_waited_too_long_fetches_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_WAIT", 0.1)
    fetches = Fetches(1.0)
    source = TokenSource(MemoryTokenStore(), "key", fetches)
    started = time.monotonic()
    results = in_threads(3, source.current)
    assert len(results) == 3
    assert fetches.count == 3
    assert time.monotonic() - started < 2.5, "nobody stands in a queue of slow fetches"


def test_a_failed_fetch_frees_the_way_for_the_next() -> None:
    outcomes: list[Any] = [AuthenticationFailed(), Token("good", time.time() + 3600)]

    def fetch() -> Token:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome  # type: ignore[no-any-return]

    source = TokenSource(MemoryTokenStore(), "key", fetch)
    with pytest.raises(AuthenticationFailed):
        source.current()
    assert source.current().value == "good"


def test_the_store_is_not_asked_for_every_message() -> None:
    """It may be across a network. Who is refused asks it at once."""
    asked: list[str] = []

    class Counting(MemoryTokenStore):
        def get(self, key: str) -> Token | None:
            asked.append(key)
            return super().get(key)

    store = Counting()
    first, second = Token("first", time.time() + 3600), Token("second", time.time() + 3600)
    store.set("key", first)
    source = TokenSource(store, "key", lambda: second)
    assert {source.current() for _ in range(100)} == {first}
    assert len(asked) == 1
    store.set("key", second)  # another process has renewed it
    assert source.renew(refused=first) == second
    assert source.current() == second


def test_a_token_whose_time_is_over_is_not_used_however_fresh_the_look() -> None:
    source = TokenSource(
        MemoryTokenStore(), "key", iter([Token("a", time.time() + 0.2), Token("b", 9e9)]).__next__
    )
    assert source.current().value == "a"
    time.sleep(0.25)
    assert source.current().value == "b"
