"""The adapters against the real packages; run by ``tests/verification/test_sites.py``."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django_otp import devices_for_user, match_token
from rest_framework_simplejwt.tokens import AccessToken
from two_factor.plugins.phonenumber.models import PhoneDevice
from two_factor.signals import user_verified

from django_messagecentral import signals
from django_messagecentral.privacy import person
from django_messagecentral.verification.adapters.foreign import CodeNotSent
from django_messagecentral.verification.adapters.otp.models import MessageCentralDevice
from django_messagecentral.verification.flows.fallback import undelivered
from django_messagecentral.verification.models import Challenge, SendBudget, Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.service import resend_verification
from django_messagecentral.verification.tasks import sweep_verifications
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor
from tests.verification.login_site.models import Member

pytestmark = pytest.mark.django_db
START = "/api/messagecentral/verifications/"


def entered() -> dict[str, int]:
    """Codes that the day's budgets know to have been entered."""
    return dict(SendBudget.objects.values_list("scope", "entered"))


@pytest.fixture
def ann() -> Member:
    member = Member.objects.create_user("ann", password="a long password")
    member.set_verified_phone(PHONE)
    return member


class TestAllauth:
    """Sign-up and login by phone through allauth's own pages."""

    def sign_up(self, client: Client) -> Any:
        body = {"phone": "98765 43210", "username": "bob", "password1": "a long password"}
        return client.post("/accounts/signup/", body)

    @pytest.mark.django_db(transaction=True)
    def test_sign_up_sends_a_code_and_verifies_the_phone(self, vendor: FakeVendor, client: Client) -> None:
        told: list[tuple[str, Any]] = []

        def hear(phone: str, user: Any, **_: Any) -> None:
            told.append((phone, user))

        signals.phone_verified.connect(hear)
        answer = self.sign_up(client)
        assert answer.status_code == 302, answer.context["form"].errors
        (message,) = vendor.messages
        assert (message.phone, message.message_type) == (PHONE, "OTP")
        bob = Member.objects.get()
        assert not bob.phone_is_verified
        page = answer["Location"]
        wrong = "000000" if message.text != "000000" else "111111"
        assert client.post(page, {"code": wrong}).status_code == 200
        assert client.post(page, {"code": message.text}).status_code == 302
        bob.refresh_from_db()
        assert bob.verified_phone == PHONE
        assert entered() == {"IN": 1, "site": 1}  # or a site that uses allauth alone would look pumped
        assert Verification.objects.get().status == "verified"
        signals.phone_verified.disconnect(hear)
        assert told == [(PHONE, bob)]
        assert client.session["_auth_user_id"] == str(bob.pk)

    def test_login_by_a_verified_phone(self, vendor: FakeVendor, ann: Member, client: Client) -> None:
        done = client.post("/accounts/login/", {"login": PHONE, "password": "a long password"})
        assert done["Location"] == "/me/"
        assert client.get("/me/").content == b"ann"

    def test_login_by_a_code_to_the_phone(self, vendor: FakeVendor, ann: Member, client: Client) -> None:
        asked = client.post("/accounts/login/code/", {"phone": PHONE})
        assert asked.status_code == 302, asked.context["form"].errors
        (message,) = vendor.messages
        wrong = "000000" if message.text != "000000" else "111111"
        assert client.post(asked["Location"], {"code": wrong}).status_code == 200
        assert entered() == {"IN": 0, "site": 0}
        client.post(asked["Location"], {"code": message.text})
        assert client.session["_auth_user_id"] == str(ann.pk)
        assert entered() == {"IN": 1, "site": 1}

    def test_a_code_for_an_unknown_phone_goes_to_nobody(self, vendor: FakeVendor, client: Client) -> None:
        asked = client.post("/accounts/login/code/", {"phone": PHONE})
        assert asked.status_code == 302
        assert vendor.messages == []

    def test_naming_somebodys_number_opens_nothing(self, vendor: FakeVendor, client: Client) -> None:
        Member.objects.create_user("eve", password="a long password", phone=PHONE)
        refused = client.post("/accounts/login/", {"login": PHONE, "password": "a long password"})
        assert refused.status_code == 200
        assert "_auth_user_id" not in client.session

    def test_an_invalid_number_is_told_so(self, vendor: FakeVendor, client: Client) -> None:
        body = {"phone": "+9112", "username": "bob", "password1": "a long password"}
        answer = client.post("/accounts/signup/", body)
        assert "phone" in answer.context["form"].errors
        assert vendor.messages == []

    def test_no_fallback_sends_a_code_that_allauth_does_not_know(
        self, vendor: FakeVendor, client: Client, configure: Any, clock: Clock
    ) -> None:
        configure(OTP_CHANNELS=("SMS", "WHATSAPP"), OTP_FALLBACK_AFTER=45)
        self.sign_up(client)
        clock.tick(seconds=60)
        assert undelivered(Challenge.objects.get().transaction_id) == []
        sweep_verifications()
        assert not resend_verification(Verification.objects.get()).ok
        assert len(vendor.messages) == 1

    def test_the_guards_hold_here_too(self, vendor: FakeVendor, client: Client, configure: Any) -> None:
        configure(ALLOWED_COUNTRIES=("GB",))
        self.sign_up(client)
        assert vendor.messages == []


class TestTwoFactor:
    """django-two-factor-auth's text messages go through this app."""

    def test_a_token_is_sent_and_taken(self, vendor: FakeVendor, ann: Member, clock: Clock) -> None:
        device = PhoneDevice.objects.create(user=ann, name="default", number=PHONE, method="sms")
        device.generate_challenge()
        (message,) = vendor.messages
        assert device.verify_token(message.text)
        user_verified.send(sender=__name__, request=None, user=ann, device=device)
        assert entered() == {"IN": 1, "site": 1}
        device.generate_challenge()  # who holds the phone has an allowance of their own from now on
        with pytest.raises(CodeNotSent) as refused:
            device.generate_challenge()
        assert refused.value.result.reason == Reason.COOLDOWN
        clock.tick(seconds=31)
        device.generate_challenge()
        assert len(vendor.messages) == 3


class TestOtp:
    """A device of django-otp."""

    def test_a_device_verifies_once_and_keeps_only_a_hash(self, vendor: FakeVendor, ann: Member) -> None:
        device = MessageCentralDevice.objects.create(user=ann, name="phone", number=PHONE)
        assert device in devices_for_user(ann)
        assert device.generate_challenge() == str(Reason.SENT.label)
        code = vendor.messages[0].text
        device.refresh_from_db()
        assert code not in (device.salt, device.code_hash)
        assert Challenge.objects.get().code_hash == ""  # it is the device's to check
        assert match_token(ann, code) == device  # inside django-otp's own transaction
        assert entered() == {"IN": 1, "site": 1}
        assert match_token(ann, code) is None

    def test_it_is_given_out_and_erased_with_its_number(self, vendor: FakeVendor, ann: Member) -> None:
        MessageCentralDevice.objects.create(user=ann, name="phone", number=PHONE)
        assert person.export(PHONE)["devices"] == [{"name": "phone", "user_id": ann.pk, "confirmed": True}]
        assert person.erase(PHONE)["devices"] == 1
        assert not MessageCentralDevice.objects.exists()

    def test_wrong_codes_slow_it_down(self, vendor: FakeVendor, ann: Member) -> None:
        device = MessageCentralDevice.objects.create(user=ann, name="phone", number=PHONE)
        device.generate_challenge()
        code = vendor.messages[0].text
        assert not device.verify_token("000000" if code != "000000" else "111111")
        assert not device.verify_token(code)  # throttled

    def test_a_code_that_is_over_or_was_not_sent(self, vendor: FakeVendor, ann: Member, clock: Clock) -> None:
        device = MessageCentralDevice.objects.create(user=ann, name="phone", number=PHONE)
        assert not device.verify_token("")
        device.throttle_reset()
        device.generate_challenge()
        assert "wait" in device.generate_challenge()
        clock.tick(seconds=601)
        assert not device.verify_token(vendor.messages[0].text)


class TestSimpleJwt:
    """A pair of tokens for a verified phone."""

    def proof(self, vendor: FakeVendor, client: Client) -> tuple[str, dict[str, str]]:
        body = {"phone": PHONE, "purpose": "login"}
        started = client.post(START, body, content_type="application/json").json()
        key = {"HTTP_X_VERIFICATION_TOKEN": started["verification_token"]}
        url = f"{START}{started['id']}/check/"
        checked = client.post(
            url, {"code": vendor.code_of(PHONE)}, content_type="application/json", **key
        ).json()
        return checked["proof"], key

    def test_a_proof_buys_one_pair(self, vendor: FakeVendor, ann: Member, client: Client) -> None:
        proof, key = self.proof(vendor, client)
        body = {"phone_proof": proof}
        assert client.post("/api/token/phone/", body).status_code == 401  # not its caller
        pair = client.post("/api/token/phone/", body, **key)
        assert pair.status_code == 200
        assert AccessToken(pair.json()["access"])["user_id"] == str(ann.pk)
        assert client.post("/api/token/phone/", body, **key).status_code == 401
        assert Challenge.objects.count() == 1

    def test_an_unknown_phone_buys_none(self, vendor: FakeVendor, client: Client) -> None:
        proof, key = self.proof(vendor, client)
        assert client.post("/api/token/phone/", {"phone_proof": proof}, **key).status_code == 401
