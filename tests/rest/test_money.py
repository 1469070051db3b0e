"""Rates, budgets and costs through the REST door."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.rest import costs
from django_messagecentral.messaging.models import Budget, Rate, Spend
from tests.conftest import SheetMaker
from tests.rest.conftest import ApiMaker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.db, pytest.mark.urls("tests.rest.urls")]

RATES, BUDGETS, COSTS = "/api/rates/", "/api/budgets/", "/api/costs/"


class TestRates:
    everything = ("view_rate", "add_rate", "change_rate", "delete_rate")

    def test_add_change_find_and_delete(self, api: ApiMaker) -> None:
        client = api(*self.everything)
        made = client.post(RATES, {"channel": "SMS", "country": "IN", "price": "0.12"}, format="json")
        assert (made.status_code, made.json()["price"], made.json()["currency"]) == (201, "0.120000", "USD")
        one = f"{RATES}{made.json()['id']}/"
        assert client.patch(one, {"valid_until": "2030-01-31"}, format="json").json()["valid_until"]
        Rate.objects.create(price=1)
        assert [row["country"] for row in client.get(f"{RATES}?country=IN").json()["results"]] == ["IN"]
        assert [row["country"] for row in client.get(f"{RATES}?country=").json()["results"]] == [""]
        assert client.delete(one).status_code == 204
        assert client.get(one).status_code == 404

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "price"),
            ({"price": "-1"}, "price"),
            ({"price": "1", "country": "India"}, "country"),
            ({"price": "1", "country": "XX"}, "country"),
            ({"price": "1", "currency": "rupee"}, "currency"),
            ({"price": "1", "currency": "inr"}, "currency"),
            ({"price": "1", "channel": "PIGEON"}, "channel"),
            ({"price": "1", "valid_from": "2030-02-01", "valid_until": "2030-01-01"}, "valid_until"),
            ({"price": "1", "from_segments": -5}, "from_segments"),
        ],
    )
    def test_what_could_never_match_is_refused(self, api: ApiMaker, body: Any, field: str) -> None:
        answer = api("add_rate").post(RATES, body, format="json")
        assert (answer.status_code, list(answer.json()["invalid_fields"])) == (400, [field])
        assert not Rate.objects.exists()

    def test_a_change_is_judged_with_what_is_there(self, api: ApiMaker) -> None:
        rate = Rate.objects.create(price=1, valid_from=date(2030, 2, 1))
        door = f"{RATES}{rate.public_id}/"
        answer = api("change_rate").patch(door, {"valid_until": "2030-01-01"}, format="json")
        assert (answer.status_code, list(answer.json()["invalid_fields"])) == (400, ["valid_until"])

    def sheet(self, make_sheet: SheetMaker, *prices: Any) -> SimpleUploadedFile:
        path = make_sheet([["IN", price] for price in prices], header=("Country", "Price"))
        return SimpleUploadedFile("rates.xlsx", path.read_bytes())

    def test_a_sheet_is_stored_whole_or_not_at_all(self, api: ApiMaker, make_sheet: SheetMaker) -> None:
        client, door = api("add_rate"), f"{RATES}import/"
        made = client.post(door, {"file": self.sheet(make_sheet, "0.1", "0.2")}, format="multipart")
        assert (made.status_code, made.json(), Rate.objects.count()) == (201, {"stored": 2}, 2)
        wrong = client.post(door, {"file": self.sheet(make_sheet, "0.3", "cheap")}, format="multipart")
        assert wrong.status_code == 400
        assert wrong.json()["invalid_fields"]["rows"] == ["3: cheap is no price."]
        assert Rate.objects.count() == 2
        none = client.post(door, {"file": SimpleUploadedFile("r.xlsx", b"no")}, format="multipart")
        assert (none.status_code, list(none.json()["invalid_fields"])) == (400, ["file"])

    def test_replacing_needs_the_right_to_delete(self, api: ApiMaker, make_sheet: SheetMaker) -> None:
        Rate.objects.create(price=9)
        door = f"{RATES}import/"

        def body() -> dict[str, Any]:
            return {"file": self.sheet(make_sheet, "0.1"), "replace": "true"}

        assert api("add_rate").post(door, body(), format="multipart").status_code == 403
        assert api("add_rate", "delete_rate").post(door, body(), format="multipart").status_code == 201
        assert [rate.price for rate in Rate.objects.all()] == [Decimal("0.1")]


class TestBudgets:
    everything = ("view_budget", "add_budget", "change_budget", "delete_budget")

    def test_add_watch_raise_and_delete(self, api: ApiMaker) -> None:
        campaign = Campaign.objects.create(name="c", text="Hi")
        client = api(*self.everything)
        body = {"name": "Diwali", "amount": "10.00", "period": "ever", "campaign": str(campaign.public_id)}
        made = client.post(BUDGETS, body, format="json")
        assert (made.status_code, made.json()["stops"], made.json()["warn_percent"]) == (201, True, 80)
        Spend.objects.create(day=date(2030, 1, 1), campaign_id=campaign.pk, cost_micros=8_500_000)
        one = f"{BUDGETS}{made.json()['id']}/"
        found = client.get(one).json()
        assert (found["campaign"], found["standing"]["warns"]) == (str(campaign.public_id), True)
        assert Decimal(found["standing"]["left"]) == Decimal("1.5")
        raised = client.patch(one, {"amount": "20.00"}, format="json").json()
        assert (raised["amount"], raised["standing"]["warns"]) == ("20.00", False)
        assert len(client.get(f"{BUDGETS}?campaign={campaign.public_id}&stops=true").json()["results"]) == 1
        assert client.get(f"{BUDGETS}?stops=false").json()["results"] == []
        assert client.delete(one).status_code == 204
        assert not Budget.objects.exists()

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"name": "b", "amount": "0"}, "amount"),
            ({"name": "b", "amount": "1", "warn_percent": 101}, "warn_percent"),
            ({"name": "b", "amount": "1", "campaign": "7"}, "campaign"),
            ({"name": "b", "amount": "1", "campaign": "6b0a1e0e-4a53-4f0e-9d2b-0c3b9f6f6a11"}, "campaign"),
            ({"amount": "1"}, "name"),
        ],
    )
    def test_nonsense_is_refused(self, api: ApiMaker, body: Any, field: str) -> None:
        answer = api("add_budget").post(BUDGETS, body, format="json")
        assert (answer.status_code, list(answer.json()["invalid_fields"])) == (400, [field])

    def test_a_form_is_not_read_since_it_would_mean_one_that_does_not_stop(self, api: ApiMaker) -> None:
        assert api("add_budget").post(BUDGETS, {"name": "b", "amount": "1"}).status_code == 415


class TestCosts:
    @pytest.fixture(autouse=True)
    def spent(self, db: None) -> Campaign:
        campaign = Campaign.objects.create(name="Diwali", text="Hi")
        for day, campaign_id, purpose, micros in [
            (date(2030, 1, 3), campaign.pk, "", 1_000_000),
            (date(2030, 1, 31), campaign.pk, "", 2_500_000),
            (date(2030, 2, 1), None, "orders", 40_000),
            (date(2030, 2, 2), campaign.pk + 99, "", 1),
        ]:
            Spend.objects.create(
                day=day,
                campaign_id=campaign_id,
                purpose=purpose,
                channel="SMS",
                message_type="TRANSACTION",
                country="IN",
                messages=2,
                segments=3,
                cost_micros=micros,
            )
        return campaign

    def ask(self, api: ApiMaker, query: str) -> list[dict[str, Any]]:
        answer = api("view_spend").get(f"{COSTS}?{query}")
        assert (answer.status_code, answer.json()["currency"]) == (200, "USD")
        found: list[dict[str, Any]] = answer.json()["groups"]
        return found

    def test_by_month_and_campaign(self, api: ApiMaker, spent: Campaign) -> None:
        found = self.ask(api, "by=month,campaign&until=2030-02-02")
        assert [(row["month"], row["campaign_name"], row["cost"]) for row in found] == [
            ("2030-01-01", "Diwali", "3.5"),
            ("2030-02-01", "", "0.04"),
        ]
        assert found[0]["campaign"] == str(spent.public_id)
        assert (found[0]["messages"], found[0]["segments"]) == (4, 6)

    def test_filters(self, api: ApiMaker, spent: Campaign) -> None:
        assert [row["cost"] for row in self.ask(api, "by=&purpose=orders")] == ["0.04"]
        (one,) = self.ask(api, f"by=day&campaign={spent.public_id}&since=2030-01-04")
        assert (one["day"], one["cost"]) == ("2030-01-31", "2.5")
        assert sum(row["messages"] for row in self.ask(api, "")) == 8

    @pytest.mark.parametrize(
        "query", ["by=phone", "since=yesterday", "campaign=6b0a1e0e-4a53-4f0e-9d2b-0c3b9f6f6a11", "x=1"]
    )
    def test_what_cannot_be_answered_is_refused(self, api: ApiMaker, query: str) -> None:
        answer = api("view_spend").get(f"{COSTS}?{query}")
        assert (answer.status_code, list(answer.json()["invalid_fields"])) == (400, [query.split("=")[0]])

    def test_an_answer_has_an_end(self, api: ApiMaker, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(costs, "MOST_GROUPS", 2)
        assert api("view_spend").get(f"{COSTS}?by=day").status_code == 400
        assert api("view_spend").get(f"{COSTS}?by=month").status_code == 200
