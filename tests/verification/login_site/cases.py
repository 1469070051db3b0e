"""Login by phone; run by ``tests/verification/test_sites.py`` with this site's settings."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.test import Client
from playwright.sync_api import Page, expect

from django_messagecentral import exceptions as errors
from django_messagecentral.backends import get_backend
from django_messagecentral.sandbox import SandboxServer
from django_messagecentral.verification.flows.fallback import undelivered
from django_messagecentral.verification.models import Challenge, Verification
from django_messagecentral.verification.service import check_verification, start_verification
from django_messagecentral.verification.tasks import sweep_verifications
from django_messagecentral.verification.users import PhoneTaken
from tests.browsers import chromium, javascript, shot, size
from tests.distributions import distance, largest_by_chance
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor
from tests.verification.login_site.models import Member
from tests.verification.test_browser import page

__all__ = ["chromium", "javascript", "page", "size"]  # fixtures
pytestmark = pytest.mark.django_db
UNKNOWN = "+919123456789"
LOGIN = "/mc/login/"


@pytest.fixture
def ann() -> Member:
    member = Member.objects.create_user("ann")
    member.set_verified_phone(PHONE)
    return member


def ask(client: Client, phone: str, query: str = "") -> Any:
    return client.post(LOGIN + query, {"phone_0": "IN", "phone_1": phone[3:]})


def shape(answer: Any) -> tuple[Any, ...]:
    """All that a visitor can see of an answer, without the random id and token in it."""
    headers = {
        name: value for name, value in answer.items() if name not in ("Location", "Content-Length", "Expires")
    }
    page = answer.content.decode()
    return (
        answer.status_code,
        headers,
        len(answer.get("Location", "")),
        page.count("<"),
        sorted(answer.cookies),
    )


def test_a_member_logs_in_and_goes_on(vendor: FakeVendor, ann: Member, client: Client) -> None:
    code_page = ask(client, PHONE, "?next=/me/")["Location"]
    wrong = client.post(code_page, {"code": vendor.wrong_code(PHONE)})
    assert "not right" in wrong.content.decode()
    done = client.post(code_page, {"code": vendor.code_of(PHONE)})
    assert done["Location"] == "/me/"
    assert client.get("/me/").content == b"ann"
    assert Verification.objects.get().consumed_at is not None


def test_known_and_unknown_numbers_look_alike_at_every_step(
    vendor: FakeVendor, ann: Member, clock: Clock
) -> None:
    vendor.timeout = 120.0
    known, unknown = Client(), Client()
    pages = []
    for client, phone in ((known, PHONE), (unknown, UNKNOWN)):
        steps = [ask(client, phone)]
        url = steps[0]["Location"]
        steps.append(client.get(url))
        steps += [client.post(url, {"code": f"00000{index}"}) for index in range(5)]
        steps.append(client.get(url))
        steps.append(ask(client, phone))
        pages.append([shape(step) for step in steps])
    assert pages[0] == pages[1]
    assert [phone for phone, _channel, _id in vendor.otps] == [PHONE]
    rows = Challenge.objects.order_by("pk")
    lives = [round((row.held_until - row.sent_at).total_seconds()) for row in rows if row.sent_at]
    assert lives == [120, 120]  # the decoy lives as long as the vendor's codes do


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_login_in_chromium(
    page: Page, vendor: FakeVendor, ann: Member, request: pytest.FixtureRequest
) -> None:
    for phone in (UNKNOWN, PHONE):
        page.goto("/mc/login/?next=/me/")
        page.get_by_label("Country").select_option("IN")
        page.get_by_label("Phone number", exact=True).last.fill(phone[3:])
        page.get_by_role("button", name="Send the code").click()
        expect(page.get_by_text("If there is an account with")).to_be_visible()
        shot(page, request, phone[-4:])
    page.get_by_label("Code").fill(vendor.code_of(PHONE))
    page.get_by_role("button", name="Verify").click()
    expect(page.get_by_text("ann")).to_be_visible()


def test_a_resend_of_a_decoy_sends_nothing_and_looks_alike(
    vendor: FakeVendor, ann: Member, clock: Clock
) -> None:
    pages = []
    for client, phone in ((Client(), PHONE), (Client(), UNKNOWN)):
        url = ask(client, phone)["Location"]
        early = client.post(f"{url}resend/", follow=True)
        clock.tick(seconds=61)
        late = client.post(f"{url}resend/", follow=True)
        pages.append([shape(early), shape(late)])
    assert pages[0] == pages[1]
    assert {phone for phone, _channel, _id in vendor.otps} == {PHONE}
    assert len(vendor.otps) == 2


@pytest.mark.parametrize(
    "error",
    [errors.ConnectionNotMade(), errors.BadRequest(), errors.AnswerLost(), errors.MaximumLimitReached()],
)
def test_a_vendors_failure_does_not_tell_that_the_number_is_known(
    vendor: FakeVendor, ann: Member, error: Exception
) -> None:
    vendor.send_error = error
    known, unknown = ask(Client(), PHONE), ask(Client(), UNKNOWN)
    assert shape(known) == shape(unknown)


class TestTiming:
    """How long an answer takes tells nothing, though the vendor takes its time for known numbers only."""

    VISITS = 60  # of known and of unknown numbers each
    FLOOR = 0.12
    LATENCY = {"uniform": [0.01, 0.06]}  # seconds the vendor takes: below the floor, as it must be
    FALSE_ALARMS = 1e-6

    @pytest.fixture
    def sandbox(self, configure: Callable[..., None]) -> Iterator[SandboxServer]:
        with SandboxServer(seed=7, latency=self.LATENCY) as server:
            configure(
                BACKEND="django_messagecentral.backends.messagecentral.MessageCentralBackend",
                BASE_URL=server.url,
                OTP_SENDS_PER_IP_HOUR=10_000,
                OTP_LOGIN_FLOOR=0.0,
            )
            get_backend().send_otp("+919876500000")  # the token is fetched and a connection made
            yield server

    def times(self) -> dict[str, dict[bool, list[float]]]:
        """Seconds by step and by whether the number is known; the order is drawn, each visitor is new."""
        visits = [(bool(index % 2), f"+9198{index:05d}210") for index in range(2 * self.VISITS)]
        Member.objects.bulk_create(
            Member(username=phone, phone=phone, verified_phone=phone) for known, phone in visits if known
        )
        random.Random(1).shuffle(visits)
        took: dict[str, dict[bool, list[float]]] = {
            step: {True: [], False: []} for step in ("start", "check")
        }
        for known, phone in visits:
            client = Client()
            began = time.perf_counter()
            code_page = ask(client, phone)
            took["start"][known].append(time.perf_counter() - began)
            assert code_page.status_code == 302
            began = time.perf_counter()
            answer = client.post(code_page["Location"], {"code": "0000"})
            took["check"][known].append(time.perf_counter() - began)
            assert "not right" in answer.content.decode()
        return took

    def farther_than_chance(self, times: dict[bool, list[float]]) -> bool:
        bound = largest_by_chance(len(times[True]), len(times[False]), self.FALSE_ALARMS)
        return distance(times[True], times[False]) > bound

    def test_known_and_unknown_numbers_take_equally_long(
        self, sandbox: SandboxServer, configure: Callable[..., None]
    ) -> None:
        configure(**settings.MESSAGECENTRAL | {"OTP_LOGIN_FLOOR": self.FLOOR})
        took = self.times()
        for times in took.values():
            assert min(times[True] + times[False]) >= self.FLOOR
        assert len(sandbox.messages()) == self.VISITS + 1
        tells = {step: self.farther_than_chance(times) for step, times in took.items()}
        assert tells == {"start": False, "check": False}

    def test_the_comparison_would_see_a_missing_floor(self, sandbox: SandboxServer) -> None:
        took = self.times()
        assert all(self.farther_than_chance(times) for times in took.values())


def test_no_code_opens_a_decoy(vendor: FakeVendor, client: Client) -> None:
    url = ask(client, UNKNOWN)["Location"]
    for code in ("000000", "123456", ""):
        client.post(url, {"code": code})
    assert "_auth_user_id" not in client.session
    assert vendor.validated == []


def test_sign_up_by_login_when_the_site_wants_it(
    vendor: FakeVendor, client: Client, configure: Callable[..., None]
) -> None:
    configure(OTP_LOGIN_SIGN_UP=True)
    url = ask(client, UNKNOWN)["Location"]
    client.post(url, {"code": vendor.code_of(UNKNOWN)})
    member = Member.objects.get()
    assert (member.verified_phone, member.phone_is_verified) == (UNKNOWN, True)
    assert not member.has_usable_password()
    assert client.session["_auth_user_id"] == str(member.pk)


def test_sign_up_by_login_when_the_name_is_taken(
    vendor: FakeVendor, client: Client, configure: Callable[..., None]
) -> None:
    """Somebody signed up with this number, and has another one by now."""
    before = Member.objects.create_user(UNKNOWN)
    before.set_verified_phone("+447400123456")
    configure(OTP_LOGIN_SIGN_UP=True)
    url = ask(client, UNKNOWN)["Location"]
    assert client.post(url, {"code": vendor.code_of(UNKNOWN)}).status_code == 302
    member = Member.objects.get(verified_phone=UNKNOWN)
    assert member.pk != before.pk
    assert member.username.startswith(f"{UNKNOWN}-")
    assert client.session["_auth_user_id"] == str(member.pk)


@pytest.mark.parametrize("whatsapp", ["works", "is refused"])
def test_a_fallback_by_itself_does_not_tell_that_a_number_is_known(
    vendor: FakeVendor, ann: Member, clock: Clock, configure: Callable[..., None], whatsapp: str
) -> None:
    """What the code's page shows, and what a resend and a code are answered, while codes go by."""
    configure(OTP_MODE="own", OTP_TEMPLATE="{code}", OTP_CHANNELS=("SMS", "WHATSAPP"), OTP_FALLBACK_AFTER=45)
    known, unknown = Client(), Client()
    urls = [ask(client, phone)["Location"] for client, phone in ((known, PHONE), (unknown, UNKNOWN))]
    (first,) = vendor.messages
    challenge = Challenge.objects.get(phone=PHONE)
    clock.tick(seconds=31)
    assert undelivered(challenge.transaction_id) == []  # no decoy is ever reported
    sweep_verifications()
    assert len(vendor.messages) == 1
    clock.tick(seconds=15)
    vendor.send_error = errors.BadRequest() if whatsapp == "is refused" else None
    sweep_verifications()
    assert len(vendor.messages) == (2 if whatsapp == "works" else 1)
    seen = []
    for client, url in zip((known, unknown), urls, strict=True):
        steps = [client.get(url), client.post(f"{url}resend/", follow=True)]
        steps.append(client.post(url, {"code": "000000" if first.text != "000000" else "111111"}))
        waits = [re.findall(r'data-mc-resend-in="(\d+)"', step.content.decode()) for step in steps]
        seen.append(([shape(step) for step in steps], waits))
    assert seen[0] == seen[1]


def test_an_inactive_member_gets_a_decoy(vendor: FakeVendor, ann: Member, client: Client) -> None:
    ann.is_active = False
    ann.save()
    ask(client, PHONE)
    assert vendor.otps == []


def test_another_purposes_verification_logs_nobody_in(
    vendor: FakeVendor, ann: Member, client: Client
) -> None:
    started = client.post("/mc/verify/?purpose=signup", {"phone_0": "IN", "phone_1": PHONE[3:]})
    login_page = started["Location"].replace("/verify/", "/login/")
    assert client.post(login_page, {"code": vendor.code_of(PHONE)}).status_code == 404


def test_anothers_login_page_is_a_404(vendor: FakeVendor, ann: Member, client: Client) -> None:
    url = ask(client, PHONE)["Location"]
    assert Client().post(url, {"code": vendor.code_of(PHONE)}).status_code == 404


def test_the_backend_takes_a_proof_of_login_once(vendor: FakeVendor, ann: Member, rf: Any) -> None:
    request = rf.get("/")
    request.session = {}
    for purpose, user in (("login", ann), ("signup", None)):
        started = start_verification(PHONE, purpose=purpose, session=request.session).verification
        if started is None:
            continue
        proof = check_verification(started, vendor.code_of(PHONE)).proof
        assert authenticate(request, phone_proof=proof) == user
        assert authenticate(request, phone_proof=proof) is None
    assert authenticate(request, phone_proof="garbage") is None
    assert authenticate(request, username="ann", password="") is None


class TestReviewers:
    """App stores' reviewers cannot read a text message: a fixed code for a named number, and no rights."""

    def test_the_fixed_code_logs_in_and_each_use_is_logged(
        self, vendor: FakeVendor, ann: Member, client: Client, configure: Callable[..., None], caplog: Any
    ) -> None:
        configure(OTP_REVIEWER_NUMBERS={PHONE: "246802"})
        url = ask(client, PHONE)["Location"]
        assert vendor.otps == []
        client.post(url, {"code": "246802"})
        assert client.session["_auth_user_id"] == str(ann.pk)
        assert "reviewer" in caplog.text
        assert "246802" not in caplog.text

    @pytest.mark.parametrize("right", ["is_staff", "is_superuser"])
    def test_it_opens_no_account_with_rights(
        self, ann: Member, client: Client, configure: Callable[..., None], right: str
    ) -> None:
        configure(OTP_REVIEWER_NUMBERS={PHONE: "246802"})
        url = ask(client, PHONE)["Location"]
        setattr(ann, right, True)  # also when the rights come after the code was asked for
        ann.save()
        client.post(url, {"code": "246802"})
        assert "_auth_user_id" not in client.session


class TestVerifiedPhone:
    """One user has a phone verified; another phone must be verified again."""

    def test_two_may_name_it_and_one_has_it(self, ann: Member) -> None:
        bob = Member.objects.create_user("bob", phone=PHONE)
        assert not bob.phone_is_verified
        with pytest.raises(PhoneTaken):
            bob.set_verified_phone(PHONE)
        ann.refresh_from_db()
        assert ann.phone_is_verified

    @pytest.mark.parametrize("update_fields", [None, ["phone"]])
    def test_a_change_takes_the_verification_away(self, ann: Member, update_fields: list[str] | None) -> None:
        ann.phone = UNKNOWN
        ann.save(update_fields=update_fields)
        ann.refresh_from_db()
        assert (ann.verified_phone, ann.phone_verified_at, ann.phone_is_verified) == (None, None, False)
        Member.objects.create_user("bob").set_verified_phone(PHONE)  # it is free again
