"""Assertions about an outbox and about counters, with messages that show what was found instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pytest imports this package before Django's settings are there
    from django_messagecentral.backends.locmem import Outbox, Sent
    from django_messagecentral.campaigns.models import Campaign


def assert_message_sent(
    outbox: Outbox, to: str, *, text: str | None = None, contains: str = "", channel: str | None = None
) -> Sent:
    """Exactly one message or code to ``to`` (E.164) fits; it is returned."""
    fitting = [
        sent
        for sent in outbox
        if sent.phone == to
        and (text is None or sent.text == text)
        and contains in sent.text
        and (channel is None or sent.channel == channel)
    ]
    _require(len(fitting) == 1, f"{len(fitting)} messages fit, of these sent:\n{_listing(outbox)}")
    return fitting[0]


def assert_code_sent(outbox: Outbox, to: str) -> str:
    """``to`` (E.164) has received a code; the newest is returned."""
    codes = [sent.code for sent in outbox if sent.phone == to and sent.code]
    _require(bool(codes), f"no code was sent to {to}, only:\n{_listing(outbox)}")
    return codes[-1]


def assert_nothing_sent(outbox: Outbox, to: str | None = None) -> None:
    """No message at all, or none to ``to`` (E.164)."""
    found = [sent for sent in outbox if to is None or sent.phone == to]
    _require(not found, f"{len(found)} messages were sent:\n{_listing(outbox)}")


def assert_counts_agree(*campaigns: Campaign) -> None:
    """The counters of ``campaigns`` (of all, by default) are those of a recount from scratch. Ask when
    nothing writes to them any more.
    """
    from django_messagecentral.campaigns.models import Campaign
    from django_messagecentral.messaging import recount

    for campaign in campaigns or Campaign.objects.all():
        wrong = [f"  {d.name}: {d.counted}, by the rows {d.actual}" for d in recount.differences(campaign.pk)]
        _require(not wrong, "\n".join([f"counters of {campaign.public_id} are wrong:", *wrong]))


def _require(fact: bool, otherwise: str) -> None:
    """Unlike an assert statement it also holds under ``python -O``."""
    if not fact:
        raise AssertionError(otherwise)


def _listing(outbox: Outbox) -> str:
    lines = [f"  {sent.kind} by {sent.channel} to {sent.phone}: {sent.text}" for sent in outbox]
    return "\n".join(lines) or "  (nothing)"
