"""What a message costs, what was spent, and what a budget stops."""

from __future__ import annotations

import io
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from django_messagecentral import send_message, signals
from django_messagecentral.campaigns import service as campaigns
from django_messagecentral.campaigns.dispatch import dispatch
from django_messagecentral.campaigns.models import Campaign, CampaignUpload
from django_messagecentral.campaigns.report import report
from django_messagecentral.campaigns.states import CampaignStatus
from django_messagecentral.messaging import budgets, spending
from django_messagecentral.messaging.models import Budget, Message, Rate, Spend
from django_messagecentral.messaging.pricing import RateCard
from django_messagecentral.messaging.rates_import import UnusableRates, read_rates, store
from django_messagecentral.messaging.states import Status
from django_messagecentral.sandbox import SandboxServer
from tests.campaigns.conftest import CampaignMaker, make_campaign, mobile

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db]
__all__ = ["make_campaign"]

PHONE = f"+91{mobile(1)}"
ASKED: dict[str, Any] = {"channel": "SMS", "message_type": "TRANSACTION", "country": "IN"}


@pytest.fixture(autouse=True)
def no_pullers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaigns, "call_pullers", lambda campaign_id: None)


def used(segments: int, country: str = "IN") -> None:
    spending.record(
        channel="SMS", message_type="TRANSACTION", country=country, segments=segments, cost_micros=0
    )


class TestRates:
    def test_the_closest_and_the_newest_win(self) -> None:
        for price, scope in [
            ("9", {}),
            ("8", {"channel": "SMS"}),
            ("7", {"country": "IN"}),
            ("6", {"country": "IN"}),
        ]:
            Rate.objects.create(price=price, **scope)
        Rate.objects.create(price="5", country="US", channel="SMS", message_type="TRANSACTION")
        assert RateCard.of_day().price(**ASKED) == 6
        assert RateCard.of_day().price(**{**ASKED, "country": "DE"}) == 8
        assert RateCard.of_day().price(**{**ASKED, "country": "DE", "channel": "RCS"}) == 9

    def test_days_and_currency(self) -> None:
        Rate.objects.create(price="1", valid_until=date(2026, 6, 30))
        Rate.objects.create(price="2", valid_from=date(2026, 7, 1))
        Rate.objects.create(price="3", currency="EUR")
        prices = [RateCard.of_day(date(2026, *day)).price(**ASKED) for day in [(6, 30), (7, 1)]]
        assert prices == [1, 2]

    def test_tiers_count_the_segments_of_the_month(self) -> None:
        Rate.objects.create(price="0.10")
        Rate.objects.create(price="0.08", from_segments=100)
        Rate.objects.create(price="0.05", from_segments=1000)
        assert RateCard.of_day().cost(1, **ASKED) == Decimal("0.10")
        used(90)
        card = RateCard.of_day()
        assert card.cost(10, **ASKED) == Decimal("1.00")
        assert card.cost(20, **ASKED) == Decimal("1.80")  # ten at each price
        assert card.cost(1000, **ASKED) == 10 * Decimal("0.10") + 900 * Decimal("0.08") + 90 * Decimal("0.05")
        Spend.objects.update(day=timezone.now().date() - timedelta(days=40))  # last month's count no more
        assert RateCard.of_day().cost(20, **ASKED) == 2

    def test_an_estimate_goes_on_in_the_tier_that_it_has_reached(self) -> None:
        Rate.objects.create(price="0.10")
        Rate.objects.create(price="0.05", from_segments=100)
        campaign = Campaign.objects.create(name="c", text="Hi")
        for regions in ({"IN": [60, 60], "US": [30, 30]}, {"IN": [60, 60]}):
            CampaignUpload.objects.create(campaign=campaign, regions=regions, status="done")
        numbers = report(campaign)
        assert numbers.estimated_segments == 150
        assert numbers.estimated_cost == 100 * Decimal("0.10") + 50 * Decimal("0.05")

    def test_a_tier_counts_what_its_own_scope_matches(self) -> None:
        Rate.objects.create(price="0.10")
        Rate.objects.create(price="0.07", country="IN", from_segments=50)
        used(60, country="US")
        assert RateCard.of_day().price(**ASKED) == Decimal("0.10")
        used(60)
        assert RateCard.of_day().price(**ASKED) == Decimal("0.07")

    @given(
        st.dictionaries(st.integers(0, 60), st.integers(0, 9), min_size=1),
        st.integers(0, 50),
        st.integers(0, 80),
    )
    @settings(max_examples=200, deadline=None)
    def test_many_segments_cost_what_they_cost_one_by_one(
        self, tiers: dict[int, int], before: int, segments: int
    ) -> None:
        rates = tuple(Rate(price=Decimal(price), from_segments=start) for start, price in tiers.items())
        volumes = {("SMS", "TRANSACTION", "IN"): before}
        one_by_one = [
            RateCard(rates, {("SMS", "TRANSACTION", "IN"): before + n}).price(**ASKED)
            for n in range(segments)
        ]
        expected = None if None in one_by_one else sum(price for price in one_by_one if price is not None)
        if segments:
            assert RateCard(rates, volumes).cost(segments, **ASKED) == expected


def sheet(rows: list[list[Any]], header: list[str] | None = None) -> io.BytesIO:
    book = Workbook()
    for row in [
        header or ["Country", "Channel", "Type", "Price", "Currency", "From segments", "Valid from"],
        *rows,
    ]:
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    return file


class TestTheRateSheet:
    def test_a_table_as_people_keep_it(self) -> None:
        rows = [
            ["India", "sms", "Promotional", 0.0021, "usd", None, date(2026, 1, 1)],
            [91, None, "*", "0.0019", None, 100000, "2026-02-01"],
            [None] * 7,
            ["usa", "", "", 0.01, "USD", 0.0, None],
        ]
        assert store(read_rates(sheet(rows))) == 3
        found = Rate.objects.order_by("pk").values_list(
            "country", "channel", "message_type", "price", "currency", "from_segments", "valid_from"
        )
        assert list(found) == [
            ("IN", "SMS", "PROMOTIONAL", Decimal("0.0021"), "USD", 0, date(2026, 1, 1)),
            ("IN", "", "", Decimal("0.0019"), "USD", 100_000, date(2026, 2, 1)),
            ("US", "", "", Decimal("0.01"), "USD", 0, None),
        ]

    def test_every_mistake_is_named_by_its_row_and_nothing_is_stored(self, tmp_path: Path) -> None:
        rows: list[list[Any]] = [
            ["Atlantis", "SMS", "", 1],
            ["India", "PIGEON", "", 1],
            ["India", "SMS", "", -1],
            ["India", "SMS", "", "cheap"],
            ["India", "SMS", "", None, "dollars"],
            ["India", "SMS", "", 1, "", 1.5],
            ["India", "SMS", "", 1, "", 0, "2026-02-30"],
            ["India", "SMS", "", 1],
        ]
        path = tmp_path / "rates.xlsx"
        path.write_bytes(sheet(rows).read())
        err = io.StringIO()
        with pytest.raises(CommandError, match="7 rows"):
            call_command("messagecentral_import_rates", str(path), stderr=err)
        for number in range(2, 9):
            assert f"row {number}: " in err.getvalue()
        assert not Rate.objects.exists()

    @pytest.mark.parametrize(
        "file", [io.BytesIO(b""), io.BytesIO(b"Country;Price"), sheet([["x"]], header=["Name"]), sheet([])]
    )
    def test_what_is_no_rate_table(self, file: io.BytesIO) -> None:
        with pytest.raises(UnusableRates):
            read_rates(file)

    def test_in_the_admin(self, admin_client: Client) -> None:
        Rate.objects.create(price="5")
        url = "/admin/messagecentral/rate/import/"
        assert "Import from a spreadsheet" in admin_client.get("/admin/messagecentral/rate/").content.decode()
        wrong = admin_client.post(
            url, {"file": SimpleUploadedFile("r.xlsx", sheet([["Atlantis", "", "", 1]]).read())}
        )
        assert "Atlantis is no country" in wrong.content.decode()
        good = {"file": SimpleUploadedFile("r.xlsx", sheet([["India", "", "", 1]]).read()), "replace": "on"}
        assert admin_client.post(url, good).status_code == 302
        assert Rate.objects.get().country == "IN"

    def test_who_may_not_add_rates_cannot_import_them(self, client: Client, django_user_model: Any) -> None:
        client.force_login(django_user_model.objects.create_user("clerk", is_staff=True))
        assert client.get("/admin/messagecentral/rate/import/").status_code == 403


class TestSpending:
    def test_it_is_counted_as_submitted_by_campaign_purpose_and_month(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        Rate.objects.create(price="0.25")
        campaign = make_campaign(5)
        dispatch(campaigns.launch(campaign).pk)
        send_message(PHONE, "Packed", purpose="orders")
        send_message(PHONE, "x" * 200, purpose="orders")
        month = timezone.now().date().replace(day=1)
        groups = spending.totals_by("campaign_id", "purpose", since=month, until=spending.next_month(month))
        found = {
            (g["campaign_id"], g["purpose"]): (g["messages"], g["segments"], g["cost_micros"]) for g in groups
        }
        assert found == {(None, "orders"): (2, 3, 750_000), (campaign.pk, ""): (5, 5, 1_250_000)}
        assert report(campaign).cost == Decimal("1.25")
        out = io.StringIO()
        call_command("messagecentral_costs", by="purpose", json=True, stdout=out)
        assert json.loads(out.getvalue())[1] == {
            "purpose": "orders",
            "messages": 2,
            "segments": 3,
            "cost": "0.75",
        }

    def test_merging_changes_no_sum(self, on_sandbox: SandboxServer) -> None:
        Rate.objects.create(price="0.25")
        for _ in range(4):
            send_message(PHONE, "Packed")
        before = spending.totals_by("channel", "country")
        assert Spend.objects.count() == 4
        assert spending.merge() == 3
        assert (Spend.objects.count(), spending.merge()) == (1, 0)
        assert spending.totals_by("channel", "country") == before

    def test_an_unknown_column_is_named(self) -> None:
        with pytest.raises(CommandError, match="colour"):
            call_command("messagecentral_costs", by="colour")


class TestBudgets:
    @pytest.fixture
    def heard(self) -> Any:
        said: list[Any] = []

        def warned(budget: Budget, spent: Decimal, **_: Any) -> None:
            said.append(("warning", budget.name, spent))

        def ended(budget: Budget, spent: Decimal, **_: Any) -> None:
            said.append(("spent", budget.name, spent))

        signals.budget_warning.connect(warned)
        signals.budget_spent.connect(ended)
        yield said
        signals.budget_warning.disconnect(warned)
        signals.budget_spent.disconnect(ended)

    def test_a_campaign_stops_with_a_reason_and_goes_on_when_the_budget_is_raised(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer, settings: Any
    ) -> None:
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "PACE_PER_SECOND": 20.0, "DISPATCH_THREADS": 4}
        Rate.objects.create(price="1")
        budget = Budget.objects.create(name="November", amount=10)
        campaign = campaigns.launch(make_campaign(200))
        dispatch(campaign.pk)
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.PAUSED
        assert campaign.status_reason == "The budget November is spent."
        left = len(on_sandbox.messages())
        assert 10 <= left < 150  # what two seconds and the calls under way carry
        budget.amount = 1000
        budget.save()
        settings.MESSAGECENTRAL = {**settings.MESSAGECENTRAL, "PACE_PER_SECOND": 5000.0}
        dispatch(campaigns.resume(campaign).pk)
        assert len({message["mobile"] for message in on_sandbox.messages()}) == 200

    def test_a_campaign_that_finds_it_spent_at_its_start_pauses(
        self, make_campaign: CampaignMaker, on_sandbox: SandboxServer
    ) -> None:
        campaign = campaigns.launch(make_campaign(2))
        Budget.objects.create(name="own", amount=1, campaign=campaign, period="ever")
        Spend.objects.create(
            day=date(2020, 1, 1),
            campaign_id=campaign.pk,
            channel="SMS",
            message_type="",
            cost_micros=1_000_000,
        )
        dispatch(campaign.pk)
        campaign.refresh_from_db()
        assert campaign.status == CampaignStatus.PAUSED
        assert not on_sandbox.messages()

    def test_single_messages_wait_and_one_time_passwords_do_not(self, on_sandbox: SandboxServer) -> None:
        Rate.objects.create(price="1")
        Budget.objects.create(name="today", amount=1, period="day")
        send_message(PHONE, "first")
        held = send_message(PHONE, "second")
        send_message(PHONE, "third", message_type="OTP")
        held.refresh_from_db()
        assert held.status == Status.QUEUED
        assert held.not_before > timezone.now()
        assert Message.objects.filter(status=Status.SUBMITTED).count() == 2

    def test_warning_and_end_are_said_once_a_period(self, heard: Any) -> None:
        Budget.objects.create(name="b", amount=10, warn_percent=50, stops=False)
        Budget.objects.create(name="promotions", amount=1, message_type="PROMOTIONAL")

        def spend(amount: int) -> None:
            Spend.objects.create(
                day=timezone.now().date(),
                channel="SMS",
                message_type="TRANSACTION",
                cost_micros=amount * 1_000_000,
            )
            budgets.watch()
            budgets.watch()

        spend(4)
        assert heard == []
        spend(2)
        assert heard == [("warning", "b", 6)]
        spend(5)
        assert heard == [("warning", "b", 6), ("spent", "b", 11)]
        assert budgets.spent_budget(None, "TRANSACTION") is None  # it only warns
        Budget.objects.update(warned_on=date(2020, 1, 1), spent_on=date(2020, 1, 1))
        budgets.watch()
        assert len(heard) == 4

    def test_the_admin_shows_what_is_spent(self, admin_client: Client) -> None:
        Budget.objects.create(name="b", amount=10)
        Spend.objects.create(
            day=timezone.now().date(), channel="SMS", message_type="OTP", cost_micros=2_500_000
        )
        assert "2.5 USD (25 %)" in admin_client.get("/admin/messagecentral/budget/").content.decode()
        assert admin_client.get("/admin/messagecentral/spend/").status_code == 200
