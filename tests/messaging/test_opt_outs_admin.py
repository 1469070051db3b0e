"""Opt-outs in the admin, for a clerk who may not see numbers."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from django_messagecentral.messaging.admin import SAID_ALREADY, SuppressionForm
from django_messagecentral.messaging.models import Suppression

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]

PHONE = "+919876543210"


@pytest.fixture
def clerk(django_user_model: Any) -> Client:
    user = django_user_model.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__endswith="_suppression"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def rows() -> tuple[Suppression, Suppression]:
    return (
        Suppression.objects.create(phone=PHONE, channel="SMS"),
        Suppression.objects.create(phone=PHONE, channel="RCS"),
    )


def change(row: Suppression) -> str:
    return reverse("admin:messagecentral_suppression_change", args=[row.pk])


def test_a_second_row_for_the_same_is_refused_with_its_reason(
    clerk: Client, rows: tuple[Suppression, Suppression]
) -> None:
    answer = clerk.post(change(rows[1]), {"channel": "SMS", "message_type": ""})
    assert (answer.status_code, PHONE in answer.content.decode()) == (200, False)
    assert str(SAID_ALREADY) in answer.content.decode()
    rows[1].refresh_from_db()
    assert rows[1].channel == "RCS"


def test_what_does_not_clash_is_changed(clerk: Client, rows: tuple[Suppression, Suppression]) -> None:
    answer = clerk.post(change(rows[1]), {"channel": "RCS", "message_type": "OTP", "reason": "asked"})
    assert answer.status_code == 302
    rows[1].refresh_from_db()
    assert (rows[1].phone, rows[1].message_type, rows[1].reason) == (PHONE, "OTP", "asked")


def test_of_two_who_say_it_at_once_one_is_told(
    clerk: Client, rows: tuple[Suppression, Suppression], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SuppressionForm, "clean", lambda form: form.cleaned_data)  # the other came after it
    answer = clerk.post(change(rows[1]), {"channel": "SMS", "message_type": ""}, follow=True)
    assert (answer.status_code, str(SAID_ALREADY) in answer.content.decode()) == (200, True)
