"""Forms that verify a phone, by real requests; run by ``tests/verification/test_sites.py``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client

from django_messagecentral.verification.models import Verification
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor
from tests.verification.login_site.models import Member

pytestmark = pytest.mark.django_db(transaction=True)
OTHER = "+447400123456"


@pytest.fixture(autouse=True)
def atomic_requests() -> Iterator[None]:
    """The site wraps every view in a transaction: those of this app must stay outside by themselves."""
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.fixture
def ann(client: Client) -> Member:
    member = Member.objects.create_user("ann")
    member.set_verified_phone(PHONE)
    client.force_login(member)
    return member


def form_of(page: Any) -> Any:
    """The form that an answer shows."""
    context = page.context
    if "wizard" in context:
        return context["wizard"]["form"]
    return context["adminform"].form if "adminform" in context else context["form"]


def fields(page: Any) -> dict[str, str]:
    """What the browser would send back: the fields of the page's form as they were rendered."""
    found: dict[str, str] = {}
    for bound in form_of(page):
        for widget in bound.subwidgets:
            parts = widget.data.get("subwidgets") or [widget.data]
            found |= {part["name"]: _chosen(part["value"]) for part in parts}
    return found


def _chosen(value: Any) -> str:
    return str((value[0] if isinstance(value, list) and value else value) or "")


def errors(page: Any) -> set[str]:
    return set(form_of(page).errors)


def test_a_form_view(vendor: FakeVendor, client: Client) -> None:
    typed = {"number_0": "IN", "number_1": "98765 43210", "topic": "bicycles"}
    first = client.post("/call-me/", typed)
    page = first.content.decode()
    assert '<ul class="mc-notice" id="id_verification_code_error" role="status"><li>We sent a code to' in page
    assert 'aria-invalid="true"' not in page
    wrong = client.post("/call-me/", fields(first) | {"verification_code": vendor.wrong_code(PHONE)})
    assert 'aria-invalid="true"' in wrong.content.decode()
    assert "mc-notice" not in wrong.content.decode()
    done = client.post("/call-me/", fields(wrong) | {"verification_code": vendor.code_of(PHONE)})
    assert done.content.decode() == f"we call {PHONE} about bicycles"
    assert Verification.objects.get().purpose == "call-me"


class TestCreate:
    def join(self, client: Client, vendor: FakeVendor, phone: str = PHONE) -> Any:
        first = client.post("/join/", {"username": "bob", "phone": phone})
        assert errors(first) == {"verification_code"}
        return client.post("/join/", fields(first) | {"verification_code": vendor.code_of(phone)})

    def test_the_model_remembers_that_it_is_verified(self, vendor: FakeVendor, client: Client) -> None:
        assert self.join(client, vendor)["Location"] == "/done/"
        bob = Member.objects.get()
        assert (bob.username, bob.verified_phone, bob.phone_is_verified) == ("bob", PHONE, True)
        assert bob.phone_verified_at is not None
        assert Verification.objects.get().consumed_at is not None

    def test_somebody_elses_phone_is_refused_to_who_holds_it_and_told_to_nobody_else(
        self, vendor: FakeVendor, ann: Member
    ) -> None:
        visitor = Client()
        taken = self.join(visitor, vendor)
        assert errors(taken) == {"phone"}
        assert "There is an account with this phone number already." in taken.content.decode()
        assert Member.objects.count() == 1
        again = visitor.post("/join/", fields(taken) | {"phone": OTHER})  # the page goes on with another one
        assert errors(again) == {"verification_code"}

    def test_nothing_is_saved_without_the_code(self, vendor: FakeVendor, client: Client) -> None:
        first = client.post("/join/", {"username": "bob", "phone": PHONE})
        for code in ("", vendor.wrong_code(PHONE)):
            assert errors(client.post("/join/", fields(first) | {"verification_code": code}))
        assert not Member.objects.exists()


class TestUpdate:
    def test_a_phone_that_stays_needs_no_code(self, vendor: FakeVendor, ann: Member, client: Client) -> None:
        since = ann.phone_verified_at
        assert client.post("/profile/", {"username": "anna", "phone": "98765 43210"})["Location"] == "/done/"
        ann.refresh_from_db()
        assert (ann.username, ann.phone_is_verified, ann.phone_verified_at) == ("anna", True, since)
        assert vendor.otps == []

    def test_another_phone_is_verified_first(self, vendor: FakeVendor, ann: Member, client: Client) -> None:
        first = client.post("/profile/", {"username": "ann", "phone": OTHER})
        assert errors(first) == {"verification_code"}
        ann.refresh_from_db()
        assert ann.verified_phone == PHONE
        wrong = client.post("/profile/", fields(first) | {"verification_code": vendor.wrong_code(OTHER)})
        assert errors(wrong) == {"verification_code"}
        done = client.post("/profile/", fields(wrong) | {"verification_code": vendor.code_of(OTHER)})
        assert done["Location"] == "/done/"
        ann.refresh_from_db()
        assert (ann.verified_phone, ann.phone_is_verified) == (OTHER, True)

    def test_a_number_swapped_after_the_code_is_not_saved(
        self, vendor: FakeVendor, ann: Member, client: Client
    ) -> None:
        first = client.post("/profile/", {"username": "ann", "phone": OTHER})
        swapped = {"verification_code": vendor.code_of(OTHER), "phone": "+447400123999"}
        assert errors(client.post("/profile/", fields(first) | swapped)) == {"verification_code"}
        ann.refresh_from_db()
        assert ann.verified_phone == PHONE

    def test_an_unverified_phone_that_stays_is_verified(self, vendor: FakeVendor, client: Client) -> None:
        eve = Member.objects.create_user("eve", phone=PHONE)
        client.force_login(eve)
        first = client.post("/profile/", {"username": "eve", "phone": PHONE})
        assert errors(first) == {"verification_code"}
        client.post("/profile/", fields(first) | {"verification_code": vendor.code_of(PHONE)})
        eve.refresh_from_db()
        assert eve.phone_is_verified


class TestWizard:
    def post(self, client: Client, url: str, prefix: str, step: str, **values: str) -> Any:
        names = {f"{step}-{name}": value for name, value in values.items()}
        return client.post(url, {f"{prefix}-current_step": step} | names)

    def again(self, client: Client, url: str, prefix: str, page: Any, **values: str) -> Any:
        step = page.context["wizard"]["steps"].current
        names = {f"{step}-{name}": value for name, value in values.items()}
        return client.post(url, {f"{prefix}-current_step": step} | fields(page) | names)

    def to_the_end_of_the_phone(self, client: Client, vendor: FakeVendor) -> Any:
        client.get("/middle/")
        self.post(client, "/middle/", "middle_wizard", "name", name="Ann")
        asked = self.post(client, "/middle/", "middle_wizard", "phone", phone="98765 43210")
        assert "We sent a code" in asked.content.decode()
        code = vendor.code_of(PHONE)
        third = self.again(client, "/middle/", "middle_wizard", asked, verification_code=code)
        assert third.context["wizard"]["steps"].current == "again"
        return third

    def test_the_phone_in_the_middle(self, vendor: FakeVendor, client: Client) -> None:
        third = self.to_the_end_of_the_phone(client, vendor)
        assert Verification.objects.get().consumed_at is None
        done = self.again(client, "/middle/", "middle_wizard", third, name="Ann")
        assert done.content.decode() == f"welcome {PHONE}"
        assert (len(vendor.otps), len(vendor.validated)) == (1, 1)
        assert Verification.objects.get().consumed_at is not None

    def test_the_phone_as_the_last_step(self, vendor: FakeVendor, client: Client) -> None:
        client.get("/last/")
        self.post(client, "/last/", "last_wizard", "name", name="Ann")
        asked = self.post(client, "/last/", "last_wizard", "phone", phone=PHONE)
        done = self.again(client, "/last/", "last_wizard", asked, verification_code=vendor.code_of(PHONE))
        assert done.content.decode() == f"welcome {PHONE}"
        assert (len(vendor.otps), len(vendor.validated)) == (1, 1)
        assert Verification.objects.get().consumed_at is not None

    def test_back_and_forth_costs_no_second_code(self, vendor: FakeVendor, client: Client) -> None:
        self.to_the_end_of_the_phone(client, vendor)
        back = client.post("/middle/", {"wizard_goto_step": "phone"})
        assert back.context["wizard"]["steps"].current == "phone"
        third = self.again(client, "/middle/", "middle_wizard", back)
        done = self.again(client, "/middle/", "middle_wizard", third, name="Ann")
        assert done.content.decode() == f"welcome {PHONE}"
        assert len(vendor.otps) == 1

    def test_a_proof_that_is_too_old_at_the_end_leads_back_to_the_phone(
        self, vendor: FakeVendor, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import time

        third = self.to_the_end_of_the_phone(client, vendor)
        clock.tick(seconds=601)
        real = time.time
        monkeypatch.setattr("django.core.signing.time.time", lambda: real() + 601)
        phone = self.again(client, "/middle/", "middle_wizard", third, name="Ann")
        assert phone.context["wizard"]["steps"].current == "phone"
        assert "We sent a code" in phone.content.decode()
        assert len(vendor.otps) == 2
        code = vendor.code_of(PHONE)
        third = self.again(client, "/middle/", "middle_wizard", phone, verification_code=code)
        done = self.again(client, "/middle/", "middle_wizard", third, name="Ann")
        assert done.content.decode() == f"welcome {PHONE}"

    def test_steps_with_their_own_urls(
        self, vendor: FakeVendor, client: Client, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import time

        client.get("/named/phone/")
        asked = self.post(client, "/named/phone/", "named_wizard", "phone", phone=PHONE)
        code = vendor.code_of(PHONE)
        to_name = self.again(client, "/named/phone/", "named_wizard", asked, verification_code=code)
        assert to_name["Location"] == "/named/name/"
        real = time.time
        with (
            monkeypatch.context() as later
        ):  # looking at the step again, after its proof's time, sends nothing
            later.setattr("django.core.signing.time.time", lambda: real() + 601)
            clock.tick(seconds=61)
            shown = client.get("/named/phone/")
            assert "Please verify your phone number." in shown.content.decode()
            assert len(vendor.otps) == 1
        done = self.post(client, "/named/name/", "named_wizard", "name", name="Ann")
        assert client.get(done["Location"]).content.decode() == f"welcome {PHONE}"


class TestAdmin:
    """In a ModelAdmin, whose own transaction the vendor is not called in."""

    @pytest.fixture
    def root(self, client: Client) -> Client:
        client.force_login(Member.objects.create_superuser("root"))
        return client

    def test_add(self, vendor: FakeVendor, root: Client) -> None:
        add = "/admin/login_site/member/add/"
        fresh = root.get(add)
        assert [
            line for _name, options in fresh.context["adminform"].fieldsets for line in options["fields"]
        ] == [
            "username",
            ("phone", "email"),
            "verification_code",
            "verification_id",
            "verification_proof",
        ]
        first = root.post(add, {"username": "bob", "phone": PHONE, "email": ""})
        assert errors(first) == {"verification_code"}
        wrong = root.post(add, fields(first) | {"verification_code": vendor.wrong_code(PHONE)})
        assert "not right" in wrong.content.decode()
        done = root.post(add, fields(wrong) | {"verification_code": vendor.code_of(PHONE)})
        assert done.status_code == 302, form_of(done).errors
        assert Member.objects.get(username="bob").phone_is_verified
        assert (len(vendor.otps), len(vendor.validated)) == (1, 2)
        assert Verification.objects.get().consumed_at is not None

    def test_change(self, vendor: FakeVendor, root: Client, ann: Member) -> None:
        root.force_login(Member.objects.get(username="root"))
        change = f"/admin/login_site/member/{ann.pk}/change/"
        body = {"username": "anna", "phone": PHONE, "email": ""}
        assert root.post(change, body).status_code == 302
        assert vendor.otps == []
        first = root.post(change, body | {"phone": OTHER})
        assert errors(first) == {"verification_code"}
        root.post(change, fields(first) | {"verification_code": vendor.code_of(OTHER)})
        ann.refresh_from_db()
        assert (ann.username, ann.verified_phone) == ("anna", OTHER)

    def test_who_may_not_save_sends_nothing(self, vendor: FakeVendor, ann: Member, client: Client) -> None:
        viewer = Member.objects.create_user("viewer", is_staff=True)
        viewer.user_permissions.set(Permission.objects.filter(codename="view_member"))
        client.force_login(viewer)
        body = {"username": "x", "phone": OTHER, "email": ""}
        for url in ("add", f"{ann.pk}/change", "99999/change"):
            client.post(f"/admin/login_site/member/{url}/", body)
        assert vendor.otps == []
