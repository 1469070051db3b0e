"""Budgets: a warning when most of the money is spent, and a stop when all is.

Checked every two seconds of a campaign and before every single message. What is under way is not called
back, so a budget is overstepped by no more than leaves in two seconds. One-time passwords are counted
against a budget and never stopped by one: they have daily budgets of their own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from django_messagecentral import signals
from django_messagecentral.db import database_for, in_transaction
from django_messagecentral.messaging.models import Budget, MessageType
from django_messagecentral.messaging.spending import next_month, totals_by

logger = logging.getLogger("django_messagecentral.budgets")

NO_PERIOD = date(1970, 1, 1)  # the one period of a budget that is for good


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a budget is in its present period; amounts in the site's currency."""

    budget: Budget
    spent: Decimal

    @property
    def left(self) -> Decimal:
        return max(Decimal(0), self.budget.amount - self.spent)

    @property
    def is_spent(self) -> bool:
        return self.spent >= self.budget.amount

    @property
    def warns(self) -> bool:
        return self.spent * 100 >= self.budget.amount * self.budget.warn_percent


def period_of(budget: Budget, today: date | None = None) -> tuple[date, date | None]:
    """First day of the present period, and the first day after it (None: it never ends)."""
    today = today or timezone.now().date()
    if budget.period == Budget.Period.DAY:
        return today, today + timedelta(days=1)
    if budget.period == Budget.Period.MONTH:
        return today.replace(day=1), next_month(today)
    return NO_PERIOD, None


def standing(budget: Budget) -> Standing:
    """What of ``budget`` is spent."""
    since, until = period_of(budget)
    where: dict[str, Any] = {}
    if budget.campaign_id is not None:
        where["campaign_id"] = budget.campaign_id
    if budget.message_type:
        where["message_type"] = budget.message_type
    groups = totals_by("channel", since=since, until=until, **where)
    micros = sum(group["cost_micros"] for group in groups)
    return Standing(budget, Decimal(micros) / 1_000_000)


def _stopping(campaign_id: int | None, message_type: str) -> QuerySet[Budget]:
    of_campaign = Q(campaign__isnull=True)
    if campaign_id is not None:
        of_campaign |= Q(campaign=campaign_id)
    return Budget.objects.filter(
        of_campaign, Q(message_type="") | Q(message_type=message_type), stops=True
    ).order_by("pk")


def spent_budget(campaign_id: int | None, message_type: str) -> Budget | None:
    """A budget that forbids a message of this campaign and type, or None."""
    if message_type == MessageType.OTP:
        return None
    return next((b for b in _stopping(campaign_id, message_type) if standing(b).is_spent), None)


def look_again_at(budget: Budget) -> datetime:
    """When a message held back by ``budget`` may be looked at again: its next period, or an hour from now,
    since somebody may have raised it.
    """
    soon = timezone.now() + timedelta(hours=1)
    _since, until = period_of(budget)
    return min(soon, datetime.combine(until, time(), tzinfo=soon.tzinfo)) if until else soon


def watch() -> None:
    """Say once a period that a budget nears its end, and that it is spent."""
    for budget in Budget.objects.all():
        now = standing(budget)
        since, _until = period_of(budget)
        if now.warns:
            _say_once("warned_on", budget, since, now)
        if now.is_spent:
            _say_once("spent_on", budget, since, now)


@in_transaction(Budget)
def _say_once(name: str, budget: Budget, since: date, now: Standing) -> None:
    """One conditional UPDATE decides who says it."""
    unsaid = Budget.objects.filter(~Q(**{name: since}) | Q(**{f"{name}__isnull": True}), pk=budget.pk)
    if not unsaid.update(**{name: since}):
        return
    warning = name == "warned_on"
    signal = signals.budget_warning if warning else signals.budget_spent
    logger.warning(
        "budget %s: %s of %s spent%s", budget.name, now.spent, budget.amount, "" if warning else ", all of it"
    )
    announce = partial(signals.send, signal, Budget, budget=budget, spent=now.spent)
    transaction.on_commit(announce, using=database_for(Budget), robust=True)
