"""What an operator sees of verifications, and what nobody does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import path

from django_messagecentral.phones import mask_numbers_in
from django_messagecentral.verification.models import (
    Challenge,
    PhoneLedger,
    Refusal,
    SendBudget,
    Verification,
)
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.service import check_verification, start_verification
from tests.verification.conftest import PHONE
from tests.verification.fakes import FakeVendor

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]
MODELS = (Verification, Challenge, PhoneLedger, Refusal, SendBudget)


def _urls() -> Iterator[Any]:
    from django.contrib.admin import site

    yield path("admin/", site.urls)


urlpatterns = list(_urls())


def page(model: Any, pk: object = None) -> str:
    base = f"/admin/messagecentral/{model._meta.model_name}/"
    return base if pk is None else f"{base}{pk}/change/"


@pytest.fixture
def history(vendor: FakeVendor, configure: Callable[..., None]) -> str:
    """One verification in own-code mode with a wrong code, and a refusal. The right code."""
    configure(OTP_MODE="own", OTP_TEMPLATE="{code}")
    started = start_verification(PHONE, subject="s:one").verification
    assert started is not None
    code = vendor.messages[0].text
    check_verification(started, "0000" if code != "0000" else "1111")
    configure(SENDING_ENABLED=False)
    start_verification(PHONE, subject="s:two", ip="203.0.113.7")
    return code


def operator(*permissions: str) -> Client:
    user = get_user_model().objects.create_user("op", is_staff=True)
    wanted = [f"view_{model._meta.model_name}" for model in MODELS]
    user.user_permissions.set(Permission.objects.filter(codename__in=[*wanted, *permissions]))
    client = Client()
    client.force_login(user)
    return client


def test_numbers_are_masked_and_codes_and_hashes_are_nowhere(history: str) -> None:
    client = operator()
    challenge = Challenge.objects.get()
    for model in MODELS:
        for url in [page(model), *(page(model, row.pk) for row in model.objects.all())]:
            answer = client.get(url)
            assert answer.status_code == 200, url
            text = answer.content.decode()
            assert PHONE not in text
            assert PHONE[3:] not in text
            assert challenge.code_hash not in text
            assert challenge.salt not in text
            assert f">{history}<" not in text
    assert "••••••3210" in client.get(page(Verification)).content.decode()


def test_who_may_see_numbers_sees_them(history: str) -> None:
    client = operator("view_phone_numbers")
    for model in (Verification, Challenge, PhoneLedger, Refusal):
        assert PHONE in client.get(page(model)).content.decode()


def test_nothing_can_be_changed_or_deleted(history: str) -> None:
    admin_user = get_user_model().objects.create_superuser("root")
    client = Client()
    client.force_login(admin_user)
    row = Verification.objects.get()
    assert client.get("/admin/messagecentral/verification/add/").status_code == 403
    assert client.post(page(Verification, row.pk), {"status": "verified"}).status_code == 403
    assert client.get(f"/admin/messagecentral/verification/{row.pk}/delete/").status_code == 403


def test_one_click_unlocks_a_phone(
    vendor: FakeVendor, configure: Callable[..., None], django_user_model: Any
) -> None:
    configure(OTP_PHONE_WRONG_CODES_PER_HOUR=1)
    started = start_verification(PHONE, subject="s:one").verification
    assert started is not None
    check_verification(started, vendor.wrong_code(PHONE))
    assert check_verification(started, vendor.code_of(PHONE)).reason == Reason.PHONE_LOCKED
    row = PhoneLedger.objects.get()
    unlock = {"action": "unlock", "_selected_action": [row.pk]}
    operator().post(page(PhoneLedger), unlock)  # without the permission nothing happens
    assert check_verification(started, vendor.code_of(PHONE)).reason == Reason.PHONE_LOCKED
    get_user_model().objects.all().delete()
    client = operator("unlock_phone")
    assert "3210" in client.get(page(PhoneLedger) + "?locked=yes").content.decode()
    answer = client.post(page(PhoneLedger), unlock, follow=True)
    assert "1 phone was unlocked." in answer.content.decode()
    assert check_verification(started, vendor.code_of(PHONE)).ok


def test_a_button_beside_the_phone_unlocks_it(vendor: FakeVendor, configure: Callable[..., None]) -> None:
    configure(OTP_PHONE_WRONG_CODES_PER_HOUR=1)
    started = start_verification(PHONE, subject="s:one").verification
    assert started is not None
    check_verification(started, vendor.wrong_code(PHONE))
    assert check_verification(started, vendor.code_of(PHONE)).reason == Reason.PHONE_LOCKED
    row = PhoneLedger.objects.get()
    unlock = f"/admin/messagecentral/phoneledger/{row.pk}/unlock/"
    looker = operator()
    for url in (page(PhoneLedger), page(PhoneLedger, row.pk)):
        assert "/unlock/" not in looker.get(url).content.decode()
    assert looker.post(unlock).status_code == 403
    get_user_model().objects.all().delete()
    client = operator("unlock_phone")
    for url in (page(PhoneLedger), page(PhoneLedger, row.pk)):
        assert f'formaction="{unlock}"' in client.get(url).content.decode()
    assert client.get(unlock).status_code == 405
    assert "1 phone was unlocked." in client.post(unlock, follow=True).content.decode()
    assert LogEntry.objects.get().get_change_message() == "Unlocked."
    assert "/unlock/" not in client.get(page(PhoneLedger)).content.decode()
    assert check_verification(started, vendor.code_of(PHONE)).ok


def test_the_refusals_say_why(history: str) -> None:
    text = operator().get(page(Refusal)).content.decode()
    assert str(Reason.SENDING_DISABLED.label) in text
    assert "203.0.113.7" in text


def test_every_model_is_registered() -> None:
    from django.contrib.admin import site

    assert all(site.is_registered(model) for model in MODELS)
    assert mask_numbers_in("phone:+919876543210 x") == "phone:+91••••••3210 x"
