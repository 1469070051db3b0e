"""What an operator's script sees and does of verifications: as much as the admin, and no code."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from django_messagecentral.verification.guards import ledger
from django_messagecentral.verification.models import PhoneLedger, Refusal, SendBudget, Verification
from tests.rest.conftest import ApiMaker

pytestmark = [pytest.mark.django_db, pytest.mark.db, pytest.mark.urls("tests.rest.urls")]

PHONE, OTHER = "+919876543210", "+919876543211"


def verification(phone: str, **fields: object) -> Verification:
    return Verification.objects.create(phone=phone, purpose="signup", subject="s", **fields)


def test_verifications_are_listed_and_filtered_with_masked_numbers(api: ApiMaker) -> None:
    verification(PHONE, status="verified", verified_at=timezone.now())
    newest = verification(OTHER)
    script = api("view_verification")
    rows = script.get("/api/verifications/").json()["results"]
    assert [row["status"] for row in rows] == ["pending", "verified"]
    assert PHONE not in json.dumps(rows)
    pending = script.get("/api/verifications/?status=pending").json()["results"]
    assert [row["id"] for row in pending] == [str(newest.public_id)]
    assert script.get(f"/api/verifications/{newest.public_id}/").json() == pending[0]
    assert "You may not" in script.get(f"/api/verifications/?phone=%2B{PHONE[1:]}").content.decode()
    in_full = api("view_verification", "view_phone_numbers")
    found = in_full.get("/api/verifications/", {"phone": PHONE}).json()["results"]
    assert [row["phone"] for row in found] == [PHONE]


def test_a_locked_phone_is_found_and_unlocked(api: ApiMaker) -> None:
    now = timezone.now()
    PhoneLedger.objects.create(
        phone=PHONE,
        sends=[now.timestamp(), now.timestamp() - 90_000],
        lock_level=1,
        locked_until=now + timedelta(minutes=5),
    )
    PhoneLedger.objects.create(phone=OTHER)
    PhoneLedger.objects.create(phone="+919876543212", locked_until=now - timedelta(minutes=5))
    operator = api("view_phoneledger", "unlock_phone", "view_phone_numbers")
    (locked,) = operator.get("/api/phone-locks/", {"locked": "true"}).json()["results"]
    assert (locked["phone"], locked["sends_in_day"], locked["verified_before"]) == (PHONE, 1, False)
    assert len(operator.get("/api/phone-locks/", {"locked": "false"}).json()["results"]) == 2
    assert operator.post("/api/phone-locks/unlock/", {"phone": "+91 98765 43210"}).json() == {
        "unlocked": True
    }
    assert operator.get("/api/phone-locks/", {"locked": "true"}).json()["results"] == []
    row = PhoneLedger.objects.get(phone=PHONE)
    assert ledger.lately(row).sends == []
    assert operator.post("/api/phone-locks/unlock/", {"phone": "+91 98765 43999"}).json() == {
        "unlocked": False
    }
    bad = operator.post("/api/phone-locks/unlock/", {"phone": "12"})
    assert (bad.status_code, list(bad.json()["invalid_fields"])) == (400, ["phone"])


def test_unlocking_needs_its_own_permission(api: ApiMaker) -> None:
    PhoneLedger.objects.create(phone=PHONE, locked_until=timezone.now() + timedelta(minutes=5))
    looker = api("view_phoneledger")
    assert looker.post("/api/phone-locks/unlock/", {"phone": PHONE}).status_code == 403
    # Whether a phone is known here is told to nobody who may not see numbers.
    blind = api("view_phoneledger", "unlock_phone")
    assert blind.post("/api/phone-locks/unlock/", {"phone": PHONE}).status_code == 403
    (row,) = looker.get("/api/phone-locks/?locked=true").json()["results"]
    assert row["phone"] != PHONE


def test_an_attack_is_seen_without_the_numbers(api: ApiMaker) -> None:
    now = timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    Refusal.objects.create(
        hour=hour, reason="phone_limit", scope=f"phone {PHONE}", count=12, last_phone=PHONE
    )
    SendBudget.objects.create(scope="IN", day=now.date(), used=140, entered=121)
    script = api("view_refusal", "view_sendbudget")
    (refused,) = script.get("/api/refusals/", {"reason": "phone_limit"}).json()["results"]
    assert refused["count"] == 12
    assert PHONE not in json.dumps(refused)
    assert script.get("/api/refusals/", {"until": hour.isoformat()}).json()["results"] == []
    (budget,) = script.get("/api/send-budgets/", {"scope": "IN"}).json()["results"]
    assert (budget["used"], budget["entered"]) == (140, 121)
