"""Codes cost money: each that left is counted once, under its purpose, and budgets see it."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from django_messagecentral import exceptions as errors
from django_messagecentral import signals
from django_messagecentral.messaging import budgets, spending
from django_messagecentral.messaging.models import Budget, MessageType, Rate, Spend
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.service import (
    check_verification,
    resend_verification,
    start_verification,
)
from tests.verification.conftest import PHONE, Clock
from tests.verification.fakes import FakeVendor

pytestmark = [pytest.mark.django_db, pytest.mark.db]
BRITISH = "+447400123456"


@pytest.fixture(autouse=True)
def rates(db: None) -> None:
    Rate.objects.create(price="0.0020", country="IN")
    Rate.objects.create(price="0.0150", country="IN", channel="WHATSAPP")
    Rate.objects.create(price="0.0500", country="GB", message_type="OTP")


def costs(*by: str) -> list[dict[str, Any]]:
    """What the command says of this month."""
    out = io.StringIO()
    call_command("messagecentral_costs", by=",".join(by), json=True, stdout=out)
    rows: list[dict[str, Any]] = json.loads(out.getvalue())
    return rows


def test_each_code_is_counted_under_its_purpose(vendor: FakeVendor, clock: Clock) -> None:
    signup = start_verification(PHONE, purpose="signup", subject="s:1").verification
    start_verification(PHONE, purpose="signup", subject="s:1")  # the living one goes on: nothing is sent
    start_verification(BRITISH, purpose="login", subject="s:2")
    assert signup is not None
    assert check_verification(signup, vendor.code_of(PHONE)).ok
    clock.tick(seconds=61)
    again = start_verification(PHONE, purpose="payment", subject="s:1").verification
    clock.tick(seconds=121)
    assert again is not None
    assert resend_verification(again).sent
    rows = [tuple(row.values()) for row in costs("purpose", "country", "message_type")]
    assert rows == [
        ("login", "GB", "OTP", 1, 1, "0.05"),
        ("payment", "IN", "OTP", 2, 2, "0.004"),
        ("signup", "IN", "OTP", 1, 1, "0.002"),
    ]
    assert len(vendor.otps) == 4


def test_an_own_code_costs_the_segments_of_its_text_and_its_channel(
    vendor: FakeVendor, configure: Callable[..., None], clock: Clock
) -> None:
    text = "{code} ist Ihr Code für die Anmeldung. " * 5  # two segments
    configure(OTP_MODE="own", OTP_TEMPLATE=text, OTP_CHANNELS=("SMS", "WHATSAPP"))
    started = start_verification(PHONE, purpose="login", subject="s:1").verification
    clock.tick(seconds=31)
    assert started is not None
    assert resend_verification(started).sent
    assert costs("channel") == [
        {"channel": "SMS", "messages": 1, "segments": 2, "cost": "0.004"},
        {"channel": "WHATSAPP", "messages": 1, "segments": 2, "cost": "0.03"},
    ]


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (errors.ConnectionNotMade(), 0),
        (errors.BadRequest(), 0),
        (errors.RateLimited(), 0),
        (errors.MaximumLimitReached(), 0),
        (errors.RequestAlreadyExists(), 0),
        (errors.AnswerLost(), 1),
        (RuntimeError("a bug in a backend"), 1),
    ],
)
@pytest.mark.parametrize("mode", ["vendor", "own"])
def test_what_did_not_leave_costs_nothing_and_what_may_have_left_does(
    vendor: FakeVendor, configure: Callable[..., None], mode: str, error: Exception, counted: int
) -> None:
    configure(OTP_MODE=mode, OTP_TEMPLATE="{code}")
    if mode == "own" and isinstance(error, errors.RequestAlreadyExists):
        counted = 1  # on a message a 506 tells nothing
    vendor.send_error = error
    if isinstance(error, RuntimeError):
        with pytest.raises(RuntimeError):
            start_verification(PHONE, subject="s:1")
    else:
        start_verification(PHONE, subject="s:1")
    assert sum(Spend.objects.values_list("messages", flat=True)) == counted


def test_a_refused_start_a_fixed_code_and_a_mail_cost_nothing(
    vendor: FakeVendor, configure: Callable[..., None], mailoutbox: list[Any]
) -> None:
    configure(OTP_REVIEWER_NUMBERS={PHONE: "246802"}, SENDING_ENABLED=False)
    assert start_verification(PHONE, subject="s:1").reason == Reason.SENDING_DISABLED
    configure(SENDING_ENABLED=True)
    assert start_verification(PHONE, subject="s:1").sent
    address = "tests.verification.test_email.verified_address"
    configure(OTP_CHANNELS=("EMAIL",), OTP_EMAIL_PURPOSES=("news",), OTP_EMAIL_OF=address)
    user = get_user_model().objects.create_user("ann", "ann@example.org", first_name="confirmed")
    assert start_verification(BRITISH, purpose="news", user=user).sent
    assert len(mailoutbox) == 1
    assert not Spend.objects.exists()


def test_where_no_rate_matches_it_is_counted_without_a_price(vendor: FakeVendor) -> None:
    Rate.objects.all().delete()
    assert start_verification(PHONE, subject="s:1").sent
    assert Spend.objects.values_list("messages", "segments", "cost_micros").get() == (1, 1, 0)


@pytest.mark.django_db(transaction=True)
def test_budgets_count_codes_and_never_stop_them(vendor: FakeVendor) -> None:
    site = Budget.objects.create(name="All", amount="0.06", warn_percent=50)
    codes = Budget.objects.create(name="Codes", amount="0.05", message_type=MessageType.OTP)
    texts = Budget.objects.create(name="Texts", amount="0.05", message_type=MessageType.TRANSACTION)
    said: list[tuple[str, str]] = []

    def warned(budget: Budget, **_: Any) -> None:
        said.append(("warned", budget.name))

    def spent(budget: Budget, **_: Any) -> None:
        said.append(("spent", budget.name))

    signals.budget_warning.connect(warned)
    signals.budget_spent.connect(spent)
    try:
        start_verification(BRITISH, subject="s:1")
        budgets.watch()
    finally:
        signals.budget_warning.disconnect(warned)
        signals.budget_spent.disconnect(spent)
    assert said == [("warned", "All"), ("warned", "Codes"), ("spent", "Codes")]
    assert [budgets.standing(budget).spent for budget in (site, codes, texts)] == [
        Decimal("0.05"),
        Decimal("0.05"),
        Decimal(0),
    ]
    assert start_verification(PHONE, subject="s:2").sent  # the codes' own budget is spent
    for number in range(5):
        start_verification(f"+4474001{number}3456", subject=f"s:{number}")
    assert budgets.spent_budget(None, MessageType.TRANSACTION) == site
    assert budgets.spent_budget(None, MessageType.OTP) is None


def test_the_admin_shows_what_codes_cost(vendor: FakeVendor, client: Client) -> None:
    start_verification(BRITISH, purpose="login", subject="s:1")
    client.force_login(get_user_model().objects.create_superuser("root"))
    page = client.get("/admin/messagecentral/spend/").content.decode()
    for word in ("login", "OTP", "GB", "0.05 USD"):
        assert f">{word}<" in page


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_each_counted_once(vendor: FakeVendor, configure: Callable[..., None]) -> None:
    configure(OTP_SENDS_PER_IP_HOUR=1000)

    def visit(number: int) -> None:
        start_verification(f"+9198{number:05d}210", purpose="login", subject=f"s:{number}")
        connection.close()

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(12)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    sent = len(vendor.otps)
    assert sent == 12
    spending.merge()
    assert Spend.objects.values_list("day", "messages", "cost_micros").get() == (
        timezone.now().date(),
        sent,
        2000 * sent,
    )
