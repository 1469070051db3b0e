"""The ready pages and the gates, as a browser without JavaScript meets them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from django_messagecentral.verification.models import Verification
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.verification.urls")]
START = "/mc/verify/"
TYPED = {"phone_0": "IN", "phone_1": "98765 43210"}


def verify(client: Client, vendor: FakeVendor, url: str = START, phone: str = PHONE) -> Any:
    """Walk through the pages; the last answer."""
    code_page = client.post(url, TYPED)
    assert code_page.status_code == 302, code_page.content.decode()
    return client.post(code_page["Location"], {"code": vendor.code_of(phone)})


def test_start_code_done(vendor: FakeVendor, client: Client) -> None:
    first = client.get(START)
    assert first.status_code == 200
    assert "phone_0" in first.content.decode()
    code_page = client.post(START, TYPED)["Location"]
    page = client.get(code_page).content.decode()
    assert "+91••••••3210" in page
    assert PHONE not in page
    assert re.search(r'<input[^>]+autocomplete="one-time-code"', page)
    assert 'inputmode="numeric"' in page
    assert 'aria-live="polite"' in page
    wrong = client.post(code_page, {"code": vendor.wrong_code(PHONE)})
    assert "not right" in wrong.content.decode()
    code = vendor.code_of(PHONE)
    right = client.post(code_page, {"code": f" {code[:3]}-{code[3:]} "})
    assert right["Location"] == "/mc/verify/done/"
    assert "is verified" in client.get(right["Location"]).content.decode()
    assert client.get(code_page)["Location"] == "/mc/verify/done/"


@pytest.mark.usefixtures("with_join_page")
def test_no_page_has_an_inline_script_or_style(vendor: FakeVendor, client: Client) -> None:
    code_page = client.post(START, TYPED)["Location"]
    for url in (START, code_page, "/mc/verify/done/", "/join/"):
        page = client.get(url).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=\"|style=|javascript:", page), url


def test_pages_are_not_cached_and_need_the_csrf_token(vendor: FakeVendor) -> None:
    client = Client(enforce_csrf_checks=True)
    assert "no-store" in client.get(START)["Cache-Control"]
    assert client.post(START, TYPED).status_code == 403
    assert vendor.otps == []


def test_a_number_that_is_none_is_told_so_on_its_field(vendor: FakeVendor, client: Client) -> None:
    page = client.post(START, {"phone_0": "IN", "phone_1": "12"})
    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()


def test_anybody_elses_code_page_is_a_404(vendor: FakeVendor, client: Client) -> None:
    code_page = client.post(START, TYPED)["Location"]
    assert Client().get(code_page).status_code == 404
    assert Client().post(code_page, {"code": vendor.code_of(PHONE)}).status_code == 404
    assert vendor.validated == []


def test_resend_too_early_tells_the_time_then_sends(vendor: FakeVendor, client: Client, clock: Clock) -> None:
    code_page = client.post(START, TYPED)["Location"]
    early = client.post(f"{code_page}resend/", follow=True).content.decode()
    assert "You can try again in" in early
    assert "data-mc-resend-in=" in early
    clock.tick(seconds=61)
    late = client.post(f"{code_page}resend/", follow=True).content.decode()
    assert "We sent you a code." in late
    assert len(vendor.otps) == 2


def test_five_wrong_codes_end_at_the_locked_page(vendor: FakeVendor, client: Client) -> None:
    code_page = client.post(START, TYPED)["Location"]
    for _ in range(5):
        answer = client.post(code_page, {"code": vendor.wrong_code(PHONE)})
    assert answer.status_code == 429
    assert "Too many wrong codes" in answer.content.decode()
    assert client.get(code_page)["Location"].startswith(START)


def test_another_number(vendor: FakeVendor, client: Client) -> None:
    code_page = client.post(f"{START}?purpose=signup&next=/welcome/", TYPED)["Location"]
    back = client.post(f"{code_page}cancel/")["Location"]
    assert back == "/mc/verify/?purpose=signup&next=%2Fwelcome%2F"


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "https:evil.example",
        "\thttps://evil.example",
    ],
)
def test_open_redirects_are_refused(vendor: FakeVendor, client: Client, evil: str) -> None:
    start = client.post(START, TYPED, QUERY_STRING=f"next={evil}")
    done = client.post(start["Location"], {"code": vendor.code_of(PHONE)})
    assert done["Location"] == "/mc/verify/done/"


@pytest.mark.parametrize("purpose", ["A B", "x" * 50, "é"])
def test_a_purpose_that_is_no_slug_is_a_404(client: Client, purpose: str) -> None:
    assert client.get(START, {"purpose": purpose}).status_code == 404


def test_right_to_left_languages(client: Client, settings: Any) -> None:
    page = client.get(START, HTTP_ACCEPT_LANGUAGE="ar").content.decode()
    assert 'dir="rtl"' in page


class TestGates:
    """A gate turns away, leads to the pages, and lets in for as long as it says."""

    @pytest.mark.parametrize("url", ["/pay/", "/pay-view/", "/pay-async/"])
    def test_step_up_and_back(self, vendor: FakeVendor, client: Client, clock: Clock, url: str) -> None:
        away = client.get(f"{url}?order=7")
        assert away["Location"].startswith("/mc/verify/?purpose=payment&next=")
        back = verify(client, vendor, away["Location"])
        assert back["Location"] == f"{url}?order=7"
        assert client.get(back["Location"]).content == b"paid"
        clock.tick(seconds=601)
        assert client.get(url).status_code == 302

    def test_another_purpose_opens_nothing(self, vendor: FakeVendor, client: Client) -> None:
        verify(client, vendor, f"{START}?purpose=login")
        assert client.get("/pay/").status_code == 302

    def test_another_session_opens_nothing(self, vendor: FakeVendor, client: Client) -> None:
        verify(client, vendor, f"{START}?purpose=payment")
        assert client.get("/pay/").content == b"paid"
        assert Client().get("/pay/").status_code == 302

    def test_what_a_session_did_before_login_does_not_count_for_the_user(
        self, vendor: FakeVendor, client: Client
    ) -> None:
        """An attacker could have planted that session, with a phone of his own verified in it."""
        verify(client, vendor, f"{START}?purpose=payment")
        client.force_login(get_user_model().objects.create_user("victim"))
        assert client.get("/pay/").status_code == 302

    def test_a_gate_that_names_the_phone_takes_no_other(self, vendor: FakeVendor, client: Client) -> None:
        user = get_user_model().objects.create_user("ann", last_name=PHONE)
        client.force_login(user)
        other = {"phone_0": "GB", "phone_1": "7400 123456"}
        code_page = client.post(f"{START}?purpose=payment", other)["Location"]
        client.post(code_page, {"code": vendor.code_of("+447400123456")})
        assert client.get("/pay/").content == b"paid"
        away = client.get("/pay-by-own-phone/")
        assert PHONE[1:] not in away["Location"]
        page = client.get(away["Location"]).content.decode()
        assert "+91••••••3210" in page
        assert "phone_1" not in page
        back = verify(client, vendor, away["Location"])  # whatever number is posted
        assert vendor.otps[-1][0] == PHONE
        assert client.get(back["Location"]).content == b"paid"

    def test_the_rest_permission(self, vendor: FakeVendor, client: Client) -> None:
        refused = client.get("/api/pay/")
        assert refused.status_code == 403
        verify(client, vendor, f"{START}?purpose=payment")
        assert client.get("/api/pay/").json() == {"paid": True}

    def test_a_posted_form_comes_back_to_its_page(self, vendor: FakeVendor, client: Client) -> None:
        away = client.post("/pay/", HTTP_REFERER="http://testserver/cart/")
        assert "next=http%3A%2F%2Ftestserver%2Fcart%2F" in away["Location"]
        away = client.post("/pay/", HTTP_REFERER="https://evil.example/")
        assert "next=%2Fpay%2F" in away["Location"]


@pytest.fixture
def with_join_page(settings: Any) -> None:
    from pathlib import Path

    settings.TEMPLATES = [
        {**settings.TEMPLATES[0], "DIRS": [Path(__file__).parent / "templates"]},
    ]


@pytest.mark.usefixtures("with_join_page")
class TestForms:
    """Any form becomes a verified one with a mixin and a field's name."""

    def fields(self, page: Any) -> dict[str, str]:
        """What the browser would send back: the fields of the page's form."""
        form = page.context["form"]
        return {field.html_name: str(field.value() or "") for field in form}

    def test_sign_up_in_two_submits(self, vendor: FakeVendor, client: Client) -> None:
        assert "Code from the message" not in client.get("/join/").content.decode()
        first = client.post("/join/", {"username": "ann", "last_name": "98765 43210"})
        assert first.status_code == 200
        assert "Code from the message" in first.content.decode()
        assert "We sent a code to +91••••••3210" in first.content.decode()
        assert not get_user_model().objects.exists()
        second = client.post("/join/", self.fields(first) | {"verification_code": vendor.code_of(PHONE)})
        assert second["Location"] == "/welcome/"
        assert get_user_model().objects.get().username == "ann"
        assert Verification.objects.get().consumed_at is not None

    def test_an_error_elsewhere_sends_no_code(self, vendor: FakeVendor, client: Client) -> None:
        page = client.post("/join/", {"username": "", "last_name": PHONE})
        assert page.context["form"].errors.keys() == {"username"}
        assert vendor.otps == []

    def test_an_error_elsewhere_after_the_code_costs_no_second_code(
        self, vendor: FakeVendor, client: Client
    ) -> None:
        first = client.post("/join/", {"username": "ann", "last_name": PHONE})
        sent = self.fields(first) | {"username": "not valid!", "verification_code": vendor.code_of(PHONE)}
        second = client.post("/join/", sent)
        assert second.context["form"].errors.keys() == {"username"}
        third = client.post("/join/", self.fields(second) | {"username": "ann", "verification_code": ""})
        assert third["Location"] == "/welcome/"
        assert len(vendor.otps) == 1

    def test_the_phone_in_the_form_must_be_the_verified_one(self, vendor: FakeVendor, client: Client) -> None:
        first = client.post("/join/", {"username": "ann", "last_name": PHONE})
        sent = self.fields(first) | {"username": "not valid!", "verification_code": vendor.code_of(PHONE)}
        second = client.post("/join/", sent)  # verified, not yet saved
        swapped = self.fields(second) | {"username": "ann", "last_name": "+447400123456"}
        third = client.post("/join/", swapped)
        assert third.status_code == 200
        assert "+44••••••3456" in third.content.decode()
        assert not get_user_model().objects.exists()

    def test_another_visitors_ids_and_proofs_are_worth_nothing(
        self, vendor: FakeVendor, client: Client
    ) -> None:
        first = client.post("/join/", {"username": "ann", "last_name": PHONE})
        sent = self.fields(first) | {"username": "not valid!", "verification_code": vendor.code_of(PHONE)}
        verified = self.fields(client.post("/join/", sent)) | {"username": "eve"}
        assert Client().post("/join/", verified).status_code == 200
        assert not get_user_model().objects.exists()

    def test_a_proof_is_used_once(self, vendor: FakeVendor, client: Client, clock: Clock) -> None:
        first = client.post("/join/", {"username": "ann", "last_name": PHONE})
        sent = self.fields(first) | {"username": "not valid!", "verification_code": vendor.code_of(PHONE)}
        verified = self.fields(client.post("/join/", sent))
        assert client.post("/join/", verified | {"username": "ann"}).status_code == 302
        clock.tick(seconds=31)
        again = client.post("/join/", verified | {"username": "bob"})
        assert again.status_code == 200
        assert get_user_model().objects.count() == 1

    def test_wrong_codes_and_resend_are_told(self, vendor: FakeVendor, client: Client) -> None:
        first = client.post("/join/", {"username": "ann", "last_name": PHONE})
        wrong = self.fields(first) | {"verification_code": vendor.wrong_code(PHONE)}
        assert "not right" in client.post("/join/", wrong).content.decode()
        early = client.post("/join/", self.fields(first) | {"verification_resend": "1"})
        assert "You can try again in" in early.content.decode()

    def test_a_page_of_several_steps(self, vendor: FakeVendor, client: Client) -> None:
        def post(step: str, **fields: str) -> Any:
            names = {f"{step}-{name}": value for name, value in fields.items()}
            return client.post("/wizard/", {"wizard-current_step": step} | names)

        client.get("/wizard/")
        post("name", name="Ann")
        asked = post("phone", phone="98765 43210")
        assert "We sent a code" in asked.content.decode()
        form = asked.context["wizard"]["form"]
        kept = {name: str(form[name].value() or "") for name in form.fields}
        third = post("phone", **kept | {"verification_code": vendor.code_of(PHONE)})
        assert third.context["wizard"]["steps"].current == "again"
        assert post("again", name="Ann").content.decode() == f"welcome {PHONE}"
        assert len(vendor.validated) == 1
        assert Verification.objects.get().consumed_at is not None

    def test_a_form_without_its_request_is_a_programming_error(self) -> None:
        from tests.verification.urls import MemberForm

        with pytest.raises(TypeError, match="request"):
            MemberForm({"username": "ann", "last_name": PHONE}).is_valid()
        assert "verification_code" in MemberForm().fields

    @pytest.mark.django_db(transaction=True)
    def test_in_the_admin_the_vendor_is_called_outside_the_transaction(self, vendor: FakeVendor) -> None:
        root = get_user_model().objects.create_superuser("root")
        client = Client()
        client.force_login(root)
        add = "/admin/auth/user/add/"
        first = client.post(add, {"username": "ann", "last_name": PHONE})
        assert first.status_code == 200
        assert "We sent a code" in first.content.decode()
        form = first.context["adminform"].form
        sent = {field.html_name: str(field.value() or "") for field in form}
        second = client.post(add, sent | {"verification_code": vendor.code_of(PHONE)})
        assert second.status_code == 302, second.context["adminform"].form.errors
        assert get_user_model().objects.filter(username="ann").exists()
        assert (len(vendor.otps), len(vendor.validated)) == (1, 1)

    @pytest.mark.django_db(transaction=True)
    def test_with_atomic_requests_pages_stay_outside_the_transaction(
        self, vendor: FakeVendor, client: Client, configure: Callable[..., None]
    ) -> None:
        from django.db import connection

        connection.settings_dict["ATOMIC_REQUESTS"] = True
        try:
            assert verify(client, vendor).status_code == 302
            joined = client.post("/join/", {"username": "ann", "last_name": "+447400123456"})
            assert "We sent a code" in joined.content.decode()
        finally:
            connection.settings_dict["ATOMIC_REQUESTS"] = False


def test_the_verified_time_is_kept(vendor: FakeVendor, client: Client) -> None:
    verify(client, vendor)
    verified_at = Verification.objects.get().verified_at
    assert verified_at is not None
    assert timezone.now() >= verified_at
