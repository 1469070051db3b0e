"""Logging in, and being locked out."""

from __future__ import annotations

import base64
import json
import time

from django_messagecentral.sandbox import SandboxServer

from .conftest import ForeignClient


def claims(token: str) -> dict[str, object]:
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def test_a_token_is_a_jwt_that_names_the_customer_and_its_end(client: ForeignClient) -> None:
    found = claims(client.token)
    assert found["sub"] == "C-SANDBOX0000001"
    assert abs(float(str(found["exp"])) - time.time() - 86_400) < 10
    header = json.loads(base64.urlsafe_b64decode(client.token.split(".")[0] + "=="))
    assert header == {"alg": "HS512"}


def test_refused_credentials_come_as_http_200_without_a_token(client: ForeignClient) -> None:
    assert client.login("C-NOBODY") == {"status": 400, "error": "customerId is invalid"}
    refused = client.login(password="guess")
    assert refused["status"] == 400
    assert "token" not in refused


def test_as_documented_refused_credentials_come_as_http_400(client: ForeignClient) -> None:
    client.control("config", {"profile": "documented"})
    answer = client.http.get(client.base + "/auth/v1/authentication/token?customerId=x&key=y", timeout=5)
    assert answer.status_code == 400


def test_a_bad_or_expired_token_is_a_401(client: ForeignClient) -> None:
    good = client.token
    client.token = "eyJhbGciOiJIUzUxMiJ9.e30.AAAA"
    assert client.otp().status_code == 401
    client.token = ""
    assert client.validate("1", "1").status_code == 401
    client.token = good
    client.control("clock", {"move": 86_401})
    assert client.otp().status_code == 401
    client.login()
    assert client.otp().status_code == 200


def test_tokens_can_be_expired_now(client: ForeignClient) -> None:
    assert client.otp("9876500001").status_code == 200
    client.control("tokens/expire")
    assert client.otp("9876500002").status_code == 401
    client.login()
    first = client.token
    client.control("tokens/expire", {"token": first})
    client.login()
    assert client.token != first
    assert client.otp("9876500002").status_code == 200


def test_a_ready_token_as_the_dashboard_makes_them_lives_five_years(client: ForeignClient) -> None:
    client.token = client.control("tokens").json()["token"]
    found = claims(client.token)
    assert float(str(found["exp"])) - float(str(found["iat"])) == 157_680_000
    assert client.otp().status_code == 200


def test_another_sandbox_or_forger_gives_no_good_token(client: ForeignClient) -> None:
    with SandboxServer() as other:
        stranger = ForeignClient(other.url)
        stranger.login()
        stranger.http.close()
    client.token = stranger.token
    assert client.otp().status_code == 401


def test_any_account_takes_foreign_clients_with_their_own_credentials() -> None:
    with SandboxServer(any_account=True) as server:
        foreign = ForeignClient(server.url)
        assert foreign.login("C-THEIROWN123", "p+/=ss")["status"] == 200
        assert foreign.otp(customerId="C-THEIROWN123").status_code == 200
        foreign.http.close()


def test_a_bad_token_may_earn_403_instead(client: ForeignClient) -> None:
    client.token = "bad"
    client.control("config", {"unauthorized_status": 403})
    assert client.otp().status_code == 403
