"""In whatever order codes are asked for, entered and let expire, the vendor's rules decide."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from django_messagecentral.sandbox import Config, Sandbox
from django_messagecentral.sandbox.clock import Clock
from django_messagecentral.sandbox.params import Request

MOBILES = st.sampled_from(["9876500001", "9876500002"])
LIFE = 60


@dataclass
class Expected:
    """What the model knows of one verification."""

    id: str
    mobile: str
    code: str
    until: float
    verified: bool = False
    wrong: int = 0


class StoppedClock(Clock):
    """Moves only when it is moved."""

    def now(self) -> float:
        return 1_700_000_000 + self.offset


class Vendor(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.sandbox = Sandbox(
            Config().changed(otp_timeout=LIFE, max_wrong_codes=3), seed=1, clock=StoppedClock()
        )
        self.time = 0.0
        self.known: list[Expected] = []
        self.texts = 0
        key = base64.b64encode(b"sandbox").decode()
        login = self.ask("GET", "/auth/v1/authentication/token", customerId="C-SANDBOX0000001", key=key)
        self.token = login["token"]

    def ask(self, method: str, path: str, **params: str) -> Any:
        headers = [("authToken", getattr(self, "token", ""))]
        return json.loads(self.sandbox.handle(Request(method, path, urlencode(params), headers)).body)

    def validate(self, verification: str, code: str) -> int:
        path = "/verification/v3/validateOtp"
        return int(self.ask("GET", path, verificationId=verification, code=code)["responseCode"])

    @rule(mobile=MOBILES, channel=st.sampled_from(["SMS", "WHATSAPP", "RCS"]))
    def send(self, mobile: str, channel: str) -> None:
        answer = self.ask(
            "POST", "/verification/v3/send", countryCode="91", mobileNumber=mobile, flowType=channel
        )
        living = [v for v in self.known if v.mobile == mobile and not v.verified and self.time < v.until]
        if living:
            assert answer["responseCode"] == 506
            assert answer["data"]["verificationId"] == living[-1].id
            return
        assert answer["responseCode"] == 200
        self.texts += 1
        code = self.sandbox.messages("91" + mobile)[0]["otp"]
        self.known.append(Expected(answer["data"]["verificationId"], mobile, code, self.time + LIFE))

    @rule(which=st.integers(0, 5), right=st.booleans())
    def enter(self, which: int, right: bool) -> None:
        if which >= len(self.known):
            assert self.validate("999999999", "1234") == 505
            return
        expected = self.known[-1 - which]
        got = self.validate(expected.id, expected.code if right else "wrong")
        if expected.verified:
            assert got == 703
        elif self.time >= expected.until:
            assert got == 705
        elif expected.wrong >= 3:
            assert got == 800
        elif right:
            assert got == 200
            expected.verified = True
        else:
            assert got == 702
            expected.wrong += 1

    @rule(seconds=st.sampled_from([1, 30, 59, 60, 600]))
    def wait(self, seconds: int) -> None:
        self.sandbox.state.move_clock(seconds)
        self.time += seconds

    @invariant()
    def every_text_is_counted_once(self) -> None:
        stats = self.sandbox.state.stats()
        assert stats["texts_received"] == self.texts == len(self.sandbox.messages())
        assert stats["callbacks"]["planned"] == self.texts


TestVendor = Vendor.TestCase
TestVendor.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)
