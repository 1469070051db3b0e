"""The day's budget of sends, of a country and of the whole site: rows reserved by conditional UPDATE."""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime, timedelta

from django.db.models import F, Sum

from django_messagecentral.conf import app_settings
from django_messagecentral.verification.guards.verdict import Ask, Verdict
from django_messagecentral.verification.models import SendBudget
from django_messagecentral.verification.reasons import Reason

logger = logging.getLogger("django_messagecentral.verification.guards")

SITE = "site"
WEEK = timedelta(days=7)


def take(ask: Ask, now: datetime) -> date:
    """Take a unit of the country's and of the site's day. Inside a transaction; raises ``Refused``."""
    day = now.astimezone(UTC).date()
    country = ask.phone.region
    midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC)
    if not _take_one(country, day, country_limit(country, day)):
        ask.refuse(Verdict(Reason.COUNTRY_BUDGET, midnight, f"country:{country}"))
        _force(country, day)
    if not _take_one(SITE, day, app_settings.OTP_DAILY_BUDGET, net=False):
        ask.refuse(Verdict(Reason.SITE_BUDGET, midnight, SITE))
        _force(SITE, day)
    return day


def give_back(region: str, day: date) -> None:
    for scope in (region, SITE):
        SendBudget.objects.filter(scope=scope, day=day, used__gt=F("entered")).update(used=F("used") - 1)


def code_entered(region: str, day: date) -> None:
    for scope in (region, SITE):
        SendBudget.objects.filter(scope=scope, day=day, entered__lt=F("used")).update(
            entered=F("entered") + 1
        )


def announce_once(day: date) -> bool:
    """True for the one caller a day who may tell the site that its budget is spent."""
    return SendBudget.objects.filter(scope=SITE, day=day, announced=False).update(announced=True) == 1


def country_limit(region: str, day: date) -> int:
    """Unverified sends a day to ``region``: its share of the site's budget, far less when codes from there
    are hardly ever entered (real people enter theirs, pumping never does)."""
    budget = app_settings.OTP_DAILY_BUDGET
    usual = max(1, int(budget * app_settings.OTP_COUNTRY_BUDGET_SHARE))
    week = SendBudget.objects.filter(scope=region, day__gt=day - WEEK, day__lte=day).aggregate(
        used=Sum("used", default=0), entered=Sum("entered", default=0)
    )
    if week["used"] < app_settings.OTP_COUNTRY_LOW_AFTER:
        return usual
    if week["entered"] >= week["used"] * app_settings.OTP_COUNTRY_LOW_RATE:
        return usual
    return min(usual, max(1, int(budget * app_settings.OTP_COUNTRY_LOW_SHARE)))


def _take_one(scope: str, day: date, limit: int, *, net: bool = True) -> bool:
    """``net``: sends whose code was entered do not count against the limit."""
    room = {"used__lt": F("entered") + limit} if net else {"used__lt": limit}
    rows = SendBudget.objects.filter(scope=scope, day=day)
    if rows.filter(**room).update(used=F("used") + 1):
        return True
    # Perhaps it is the day's first. It is not looked up: of many who come at once another may have made
    # the row since the UPDATE, and whoever finds it there would take it for spent.
    SendBudget.objects.bulk_create([SendBudget(scope=scope, day=day)], ignore_conflicts=True)
    return bool(rows.filter(**room).update(used=F("used") + 1))


def _force(scope: str, day: date) -> None:
    """A dry run counts on, past the limit."""
    SendBudget.objects.filter(scope=scope, day=day).update(used=F("used") + 1)
