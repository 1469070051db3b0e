"""A vendor for one test: canned answers in the shapes of the vendor's document."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
import responses

from django_messagecentral.client import MessageCentralClient

BASE = "https://cpaas.messagecentral.com"
TOKEN_URL = f"{BASE}/auth/v1/authentication/token"
SEND_URL = f"{BASE}/verification/v3/send"
VALIDATE_URL = f"{BASE}/verification/v3/validateOtp"
PASSWORD = "p@ss word+/=ü"
KEY = base64.b64encode(PASSWORD.encode()).decode()


def jwt(**claims: object) -> str:
    """A token like the vendor's: HS512, unverifiable here."""
    parts = ({"alg": "HS512"}, {"sub": "C-1", "iat": int(time.time()), **claims})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


def sent(**data: object) -> dict[str, Any]:
    """Vendor document, Send SMS."""
    return {
        "responseCode": 200,
        "message": "SUCCESS",
        "data": {
            "verificationId": "1234",
            "mobileNumber": "9999999999",
            "responseCode": "200",
            "errorMessage": None,
            "timeout": "30.0",
            "smsCLI": None,
            "transactionId": "1c9c56ec-5cd3-48b5-9e32-a15499fb77a2",
            **data,
        },
    }


def validated(**data: object) -> dict[str, Any]:
    """Vendor document, Validate OTP."""
    return {
        "responseCode": 200,
        "message": "SUCCESS",
        "data": {
            "verificationId": "2949",
            "mobileNumber": "9999999999",
            "responseCode": "200",
            "errorMessage": None,
            "verificationStatus": "VERIFICATION_COMPLETED",
            "authToken": None,
            "transactionId": "1c9c56ec-5cd3-48b5-9e32-a15499fb77a2",
            **data,
        },
    }


def refused(code: object, message: str = "", **data: object) -> dict[str, Any]:
    return {"responseCode": code, "message": message or "REFUSED", "data": data or None}


def query_of(request: requests.PreparedRequest) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.url or "").query, keep_blank_values=True))


def form_of(request: requests.PreparedRequest) -> dict[str, str]:
    body = request.body or ""
    return dict(parse_qsl(body.decode() if isinstance(body, bytes) else str(body), keep_blank_values=True))


@contextmanager
def vendor(token: str | None = None) -> Iterator[responses.RequestsMock]:
    """The token call works; a test adds what else the vendor answers."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(TOKEN_URL, json={"status": 200, "token": token or jwt(exp=int(time.time()) + 86400)})
        yield mock


def client(**options: Any) -> MessageCentralClient:
    return MessageCentralClient(BASE, **({"customer_id": "C-1", "password": PASSWORD} | options))
