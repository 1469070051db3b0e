"""Foreign clients: they know the vendor's documentation and a base URL, nothing of this package's client."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from django_messagecentral.sandbox import SandboxServer


class ForeignClient:
    """What a developer writes from the vendor's documentation in ten minutes."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.http = requests.Session()
        self.token = ""

    def login(self, customer: str = "C-SANDBOX0000001", password: str = "sandbox") -> dict[str, Any]:
        key = base64.b64encode(password.encode()).decode()
        answer = self.http.get(
            f"{self.base}/auth/v1/authentication/token",
            params={
                "customerId": customer,
                "key": key,
                "scope": "NEW",
                "country": "91",
                "email": "a@b.example",
            },
            headers={"accept": "*/*"},
            timeout=10,
        ).json()
        self.token = answer.get("token", "")
        return answer

    def send(self, version: str = "v3/send", **params: Any) -> requests.Response:
        return self.http.post(
            f"{self.base}/verification/{version}",
            params=params,
            headers={"authToken": self.token},
            timeout=40,
            allow_redirects=False,
        )

    def otp(self, mobile: str = "9876543210", **more: Any) -> requests.Response:
        return self.send(**{"countryCode": "91", "flowType": "SMS", "mobileNumber": mobile} | more)

    def sms(self, mobile: str = "9876543210", message: str = "Hello", **more: Any) -> requests.Response:
        params = {"countryCode": "91", "flowType": "SMS", "type": "SMS", "senderId": "SHOPIN"}
        return self.send(**params | {"mobileNumber": mobile, "message": message} | more)

    def validate(self, verification_id: str, code: str, **more: Any) -> requests.Response:
        return self.http.get(
            f"{self.base}/verification/v3/validateOtp/",
            params={"verificationId": verification_id, "code": code} | more,
            headers={"authToken": self.token},
            timeout=10,
        )

    def inbox(self, mobile: str = "919876543210") -> list[dict[str, Any]]:
        return self.http.get(f"{self.base}/_sandbox/messages", params={"mobile": mobile}, timeout=10).json()

    def control(self, path: str, body: Any = None) -> requests.Response:
        return self.http.post(f"{self.base}/_sandbox/{path}", json=body or {}, timeout=10)


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(seed=1, callback_delay=0.05, callback_retry_delay=0.05) as server:
        yield server


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[ForeignClient]:
    foreign = ForeignClient(sandbox.url)
    foreign.login()
    with foreign.http:
        yield foreign
