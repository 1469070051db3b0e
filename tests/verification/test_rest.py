"""The REST door: a browser by its session, a client without cookies by its token, nobody by an id."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from rest_framework.test import APIClient

from django_messagecentral import exceptions as errors
from django_messagecentral.verification.models import Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.rest.problems import STATUS_OF, problem_of
from django_messagecentral.verification.results import StartResult
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.verification.urls")]
START = "/api/messagecentral/verifications/"


def post(client: Any, url: str, body: Any = None, **extra: Any) -> Any:
    return client.post(url, body or {}, content_type="application/json", **extra)


@pytest.fixture
def app() -> Client:
    """A client without cookies: each call stands alone."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def browser() -> Client:
    """A browser with a session, and the CSRF token that a page of the site gave it."""
    client = Client(enforce_csrf_checks=True)
    session = client.session
    session["visited"] = True
    session.save()
    client.cookies["csrftoken"] = "c" * 32
    client.defaults["HTTP_X_CSRFTOKEN"] = "c" * 32
    return client


def test_a_client_without_cookies_goes_by_its_token(vendor: FakeVendor, app: Client) -> None:
    started = post(app, START, {"phone": "98765 43210", "purpose": "signup"})
    assert started.status_code == 201
    body = started.json()
    assert set(body) == {
        "id", "phone", "purpose", "channel", "status", "reason", "code_length", "attempts_left", "expires_at",
        "resend_at", "verification_token",
    }  # fmt: skip
    assert (body["phone"], body["status"], body["code_length"]) == ("+91••••••3210", "pending", 6)
    assert "sessionid" not in started.cookies
    url = f"{START}{body['id']}/"
    key = {"HTTP_X_VERIFICATION_TOKEN": body["verification_token"]}
    assert app.get(url).status_code == 404
    assert app.get(url, **key).json()["status"] == "pending"
    wrong = post(app, f"{url}check/", {"code": vendor.wrong_code(PHONE)}, **key)
    assert (wrong.status_code, wrong["Content-Type"]) == (400, "application/problem+json")
    assert wrong.json()["code"] == "wrong_code"
    assert wrong.json()["attempts_left"] == 4
    code = vendor.code_of(PHONE)
    right = post(app, f"{url}check/", {"code": f"{code[:3]}-{code[3:]}"}, **key)
    assert right.status_code == 200
    assert set(right.json()) == {"status", "proof"}
    again = post(app, f"{url}check/", {"code": code}, **key)
    assert (again.status_code, again.json()["code"]) == (409, "already_verified")
    assert "proof" not in again.json()
    signed_up = post(app, "/api/sign-up/", {"name": "Ann", "phone_proof": right.json()["proof"]}, **key)
    assert (signed_up.status_code, signed_up.json()["phone"]) == (201, PHONE)
    replay = post(app, "/api/sign-up/", {"name": "Ann", "phone_proof": right.json()["proof"]}, **key)
    assert replay.status_code == 400


def test_a_browser_goes_by_its_session_and_needs_its_csrf_token(vendor: FakeVendor, browser: Client) -> None:
    started = post(browser, START, {"phone": PHONE})
    assert started.status_code == 201
    assert "verification_token" not in started.json()
    url = f"{START}{started.json()['id']}/"
    assert browser.get(url).status_code == 200
    other = Client()
    other.session.save()
    assert other.get(url).status_code == 404
    code = {"code": vendor.code_of(PHONE)}
    forged = post(browser, f"{url}check/", code, HTTP_X_CSRFTOKEN="d" * 32)
    assert (forged.status_code, forged.json()["code"]) == (403, "permission_denied")
    assert vendor.validated == []
    assert post(browser, f"{url}check/", code).status_code == 200


@pytest.mark.parametrize("header", ["HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_REFERER"])
def test_another_sites_page_cannot_make_a_browser_send_a_code(
    vendor: FakeVendor, app: Client, header: str
) -> None:
    answer = post(app, START, {"phone": PHONE}, **{header: "https://evil.example"})
    assert answer.status_code == 403
    assert vendor.otps == []


def test_the_sites_own_page_on_another_host_goes_by_its_token(
    vendor: FakeVendor, app: Client, settings: Any
) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://app.example"]
    answer = post(app, START, {"phone": PHONE}, HTTP_ORIGIN="https://app.example")
    assert answer.status_code == 201
    assert answer.json()["verification_token"]


def test_a_logged_in_user_owns_it_in_every_session(vendor: FakeVendor, browser: Client) -> None:
    user = get_user_model().objects.create_user("ann")
    browser.force_login(user)
    browser.cookies["csrftoken"] = "c" * 32
    url = f"{START}{post(browser, START, {'phone': PHONE}).json()['id']}/"
    assert Verification.objects.get().user == user
    elsewhere = Client()
    elsewhere.force_login(user)
    assert elsewhere.get(url).status_code == 200
    elsewhere.force_login(get_user_model().objects.create_user("bob"))
    assert elsewhere.get(url).status_code == 404


def test_a_user_known_by_a_header_needs_no_csrf_token(vendor: FakeVendor) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_authenticate(get_user_model().objects.create_user("ann"), token="jwt")
    assert client.post(START, {"phone": PHONE}).status_code == 201


def test_asking_again_answers_200_and_the_same_id(vendor: FakeVendor, browser: Client) -> None:
    first = post(browser, START, {"phone": PHONE})
    again = post(browser, START, {"phone": PHONE})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert len(vendor.otps) == 1


def test_too_early_is_429_with_the_seconds_in_body_and_header(
    vendor: FakeVendor, browser: Client, clock: Clock
) -> None:
    url = f"{START}{post(browser, START, {'phone': PHONE}).json()['id']}/"
    early = post(browser, f"{url}resend/")
    assert early.status_code == 429
    assert early.json()["code"] == "code_lives"
    assert 50 < early.json()["retry_after"] <= 61
    assert early["Retry-After"] == str(early.json()["retry_after"])
    clock.tick(seconds=61)
    resent = post(browser, f"{url}resend/", {"channel": "WHATSAPP"})
    assert (resent.status_code, resent.json()["channel"]) == (200, "WHATSAPP")


def test_cancel_closes_it(vendor: FakeVendor, browser: Client) -> None:
    url = f"{START}{post(browser, START, {'phone': PHONE}).json()['id']}/"
    assert post(browser, f"{url}cancel/").json()["status"] == "cancelled"
    late = post(browser, f"{url}check/", {"code": vendor.code_of(PHONE)})
    assert (late.status_code, late.json()["code"]) == (409, "cancelled")


@pytest.mark.parametrize("path", ["", "check/", "resend/", "cancel/"])
@pytest.mark.parametrize("strange", ["x", "00000000-0000-0000-0000-000000000000", "é", "1;drop"])
def test_ids_from_elsewhere_answer_as_unknown(app: Client, path: str, strange: str) -> None:
    url = f"{START}{strange}/{path}"
    answer = post(app, url, {"code": "123456"}) if path else app.get(url)
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_verification")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid_request"),
        ({"phone": PHONE, "purpose": "No Slug"}, "invalid_request"),
        ({"phone": PHONE, "channel": "SAUTH"}, "invalid_request"),
        ({"phone": "abc"}, "invalid_phone"),
        ([], "invalid_request"),
    ],
)
def test_a_request_that_is_not_valid_says_why(app: Client, body: Any, code: str) -> None:
    answer = app.post(START, body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert answer.json()["detail"]


def test_broken_json_is_a_problem_too(app: Client) -> None:
    answer = app.post(START, "{", content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert answer.json()["code"] == "parse_error"


def test_when_the_vendor_is_away_it_is_a_503_and_nothing_leaks(vendor: FakeVendor, app: Client) -> None:
    vendor.send_error = errors.ConnectionNotMade("cannot reach cpaas.internal with key=c2VjcmV0")
    answer = post(app, START, {"phone": PHONE})
    assert answer.status_code == 503
    assert answer["Retry-After"]
    assert "c2VjcmV0" not in answer.content.decode()


def test_every_refusal_has_one_status() -> None:
    fine = {Reason.SENT, Reason.ALREADY_SENT, Reason.VERIFIED, Reason.EMAIL_VERIFIED}
    of_forms = {Reason.PHONE_TAKEN}
    assert set(STATUS_OF) == set(Reason) - fine - of_forms


def test_details_come_in_the_visitors_language(app: Client) -> None:
    with translation.override("de"):
        detail = str(Reason.WRONG_CODE.label)
    assert detail  # translated where a catalogue is there, else English


def test_the_browsable_api_shows_forms(vendor: FakeVendor, browser: Client) -> None:
    page = browser.get(START, HTTP_ACCEPT="text/html")
    assert page.status_code == 405
    assert page["Content-Type"].startswith("text/html")
    assert 'name="phone"' in page.content.decode()
    url = f"{START}{post(browser, START, {'phone': PHONE}).json()['id']}/"
    assert "••••••3210" in browser.get(url, HTTP_ACCEPT="text/html").content.decode()


def test_the_urls_have_names() -> None:
    assert reverse("messagecentral-api:verification-list") == START
    assert reverse("messagecentral-api:verification-check", kwargs={"id": "x"}) == f"{START}x/check/"


def test_every_429_says_when_also_when_that_moment_has_just_come() -> None:
    past = timezone.now() - timedelta(milliseconds=1)
    answer = problem_of(StartResult(ok=False, reason=Reason.CODE_LIVES, retry_at=past))
    assert (answer.status_code, answer["Retry-After"], answer.data["retry_after"]) == (429, "1", 1)


def test_the_permission_knows_a_client_without_cookies_by_its_token(vendor: FakeVendor, app: Client) -> None:
    started = post(app, START, {"phone": PHONE, "purpose": "payment"}).json()
    key = {"HTTP_X_VERIFICATION_TOKEN": started["verification_token"]}
    assert app.get("/api/pay/", **key).status_code == 403
    post(app, f"{START}{started['id']}/check/", {"code": vendor.code_of(PHONE)}, **key)
    assert app.get("/api/pay/", **key).json() == {"paid": True}
    assert app.get("/api/pay/").status_code == 403
    assert app.get("/api/pay/", HTTP_X_VERIFICATION_TOKEN="another").status_code == 403
    # A browser's page cannot lend its visitor somebody's token.
    assert app.get("/api/pay/", HTTP_SEC_FETCH_SITE="same-origin", **key).status_code == 403


class TestAttacks:
    """Scripts that a stranger would run, and what they get: nothing."""

    def test_brute_force_over_many_verifications(self, vendor: FakeVendor, clock: Clock) -> None:
        guesses = proofs = 0
        for _ in range(60):
            client = Client()
            started = post(client, START, {"phone": PHONE})
            if started.status_code == 201:
                key = {"HTTP_X_VERIFICATION_TOKEN": started.json()["verification_token"]}
                for _ in range(20):
                    before = len(vendor.validated)
                    answer = post(
                        client,
                        f"{START}{started.json()['id']}/check/",
                        {"code": vendor.wrong_code(PHONE)},
                        **key,
                    )
                    guesses += len(vendor.validated) - before
                    proofs += "proof" in answer.json()
            clock.tick(seconds=60)  # an hour in all
        assert guesses <= 10
        assert proofs == 0

    def test_swapping_ids(self, vendor: FakeVendor, app: Client) -> None:
        mine = post(app, START, {"phone": "+447400123456"}).json()
        theirs = post(app, START, {"phone": PHONE}).json()
        key = {"HTTP_X_VERIFICATION_TOKEN": mine["verification_token"]}
        answer = post(app, f"{START}{theirs['id']}/check/", {"code": vendor.code_of("+447400123456")}, **key)
        assert answer.status_code == 404

    def test_a_proof_of_ones_own_phone_proves_no_other(self, vendor: FakeVendor, app: Client) -> None:
        mine = post(app, START, {"phone": "+447400123456", "purpose": "signup"}).json()
        key = {"HTTP_X_VERIFICATION_TOKEN": mine["verification_token"]}
        code = {"code": vendor.code_of("+447400123456"), "phone": PHONE}
        proof = post(app, f"{START}{mine['id']}/check/", code, **key).json()["proof"]
        body = {"name": "Eve", "phone": PHONE, "phone_proof": proof}
        assert post(app, "/api/sign-up/", body).status_code == 400  # without the token
        assert post(app, "/api/sign-up/", body, **key).json()["phone"] == "+447400123456"

    def test_a_fixed_session_gives_no_way_into_the_victims_verification(
        self, vendor: FakeVendor, browser: Client
    ) -> None:
        """The attacker knows the session key before login; Django changes it there, the nonce moves along."""
        old_key = browser.session.session_key
        url = f"{START}{post(browser, START, {'phone': PHONE}).json()['id']}/"
        browser.force_login(get_user_model().objects.create_user("victim"))
        attacker = Client()
        attacker.cookies["sessionid"] = str(old_key)
        assert attacker.get(url).status_code == 404
        assert browser.get(url).status_code == 200

    def test_pumping_a_number_block_from_many_addresses(self, vendor: FakeVendor) -> None:
        for index in range(60):
            phone = f"+91987650{index:04d}"
            post(Client(REMOTE_ADDR=f"203.0.113.{index}"), START, {"phone": phone})
        assert len(vendor.otps) == 10

    def test_spoofing_the_address(self, vendor: FakeVendor) -> None:
        for index in range(60):
            phone = f"+91{9876500000 + 1000 * index}"
            post(Client(HTTP_X_FORWARDED_FOR=f"10.9.8.{index}"), START, {"phone": phone})
        assert len(vendor.otps) == 30

    def test_rotating_sessions_on_one_phone(self, vendor: FakeVendor, clock: Clock) -> None:
        for _ in range(120):
            post(Client(), START, {"phone": PHONE})
            clock.tick(seconds=30)
        assert len(vendor.otps) <= 5

    def test_asking_of_strangers_phones_tells_nothing(self, vendor: FakeVendor, clock: Clock) -> None:
        """A phone that was verified here before and one that never was answer alike."""
        owner = Client()
        started = post(owner, START, {"phone": PHONE}).json()
        key = {"HTTP_X_VERIFICATION_TOKEN": started["verification_token"]}
        post(owner, f"{START}{started['id']}/check/", {"code": vendor.code_of(PHONE)}, **key)
        clock.tick(minutes=2)
        known, unknown = (post(Client(), START, {"phone": phone}) for phone in (PHONE, "+919123456789"))
        assert set(known.json()) == set(unknown.json())
        assert known.json()["status"] == unknown.json()["status"]


def test_the_schema_names_every_answer(configure: Callable[..., None]) -> None:
    schema = Client().get("/api/schema/?format=json").json()
    start = schema["paths"][START]["post"]
    assert set(start["responses"]) == {
        "200", "201", "400", "401", "403", "405", "406", "415", "429", "503",
    }  # fmt: skip
    problem = start["responses"]["429"]["content"]["application/problem+json"]
    assert "cooldown" in start["responses"]["429"]["description"]
    assert problem["examples"]
    assert problem["schema"]["$ref"].endswith("MessageCentralProblem")
