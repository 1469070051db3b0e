"""Opt-outs: who must not be written to.

A row may name a channel and a type; where it names none it means all of them. One-time passwords are the
site's choice: a row that names no type stops them only with ``OPT_OUT_STOPS_OTP``, one that names ``OTP``
always does.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from django_messagecentral.conf import app_settings
from django_messagecentral.db import batched, database_for
from django_messagecentral.messaging.models import MessageType, Suppression
from django_messagecentral.webhooks import outbox

KEYWORD, LINK, API, ERASURE = "keyword", "link", "api", "erasure"
OWN_WORD = (KEYWORD, LINK)  # sources that are the person's own word, which the person may take back


def suppressed_phones(phones: Iterable[str], *, channel: str, message_type: str) -> set[str]:
    """Those of ``phones`` (E.164) that opted out of this channel and type, or of everything."""
    opted_out = _opt_outs(channel, message_type)
    found: set[str] = set()
    for batch in batched(phones, 500):
        found.update(opted_out.filter(phone__in=batch).values_list("phone", flat=True))
    return found


def has_opted_out(*, channel: str | OuterRef, message_type: str) -> Exists:
    """The same question as part of a query for messages, whose own channel it may refer to."""
    return Exists(_opt_outs(channel, message_type).filter(phone=OuterRef("phone")))


def _opt_outs(channel: str | OuterRef, message_type: str) -> QuerySet[Suppression]:
    of_type = Q(message_type=message_type)
    if message_type != MessageType.OTP or app_settings.OPT_OUT_STOPS_OTP:
        of_type |= Q(message_type="")
    return Suppression.objects.filter(of_type, Q(channel="") | Q(channel=channel))


def suppress(
    phone: str, *, channel: str = "", message_type: str = "", source: str = "", reason: str = ""
) -> tuple[Suppression, bool]:
    """Write to ``phone`` (E.164) no more; the row, and whether it is new. What was first said is kept.

    Messages that wait already are looked at again when they would leave.
    """
    key = {"phone": phone, "channel": channel, "message_type": message_type}
    known = Suppression.objects.filter(**key).first()
    if known:
        return known, False
    try:
        with transaction.atomic(using=database_for(Suppression)):
            row = Suppression.objects.create(**key, source=source[:40], reason=reason[:200])
            tell(row)
    except IntegrityError:  # said twice at once
        return Suppression.objects.get(**key), False
    return row, True


def tell(row: Suppression) -> None:
    """Write down for the site's subscribers that ``row`` is new. In the transaction that stores it."""
    outbox.opted_out(row.public_id, row.channel, row.message_type, row.source, row.created_at)


class SaidAlready(ValueError):
    """Another row says the same of the same phone."""


def change(row: Suppression, **fields: str) -> None:
    """Change ``channel``, ``message_type`` or ``reason``. Raises :class:`SaidAlready`."""
    try:
        with transaction.atomic(using=database_for(Suppression)):
            Suppression.objects.filter(pk=row.pk).update(**fields)
    except IntegrityError:
        raise SaidAlready from None


def release(phone: str, *, sources: Iterable[str] | None = None) -> int:
    """Take back the opt-outs of ``phone``, or those from ``sources`` only; how many."""
    rows = Suppression.objects.filter(phone=phone)
    if sources is not None:
        rows = rows.filter(source__in=list(sources))
    return rows.delete()[0]


# -- keywords -----------------------------------------------------------------------------------


def _fold(text: str) -> str:
    """Without case, accents' spellings, punctuation and doubled spaces: `` Stop!! `` is ``stop``."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    kept = (c if unicodedata.category(c)[0] in "LNM" else " " for c in plain)
    return " ".join("".join(kept).split())


def keyword_of(text: str) -> str:
    """``"out"``, ``"in"``, or an empty string for a text that is neither.

    The whole text must be one of ``OPT_OUT_KEYWORDS`` or ``OPT_IN_KEYWORDS``, alone or followed by the
    site's sender id (``STOP MYBRND``): "cancel my order of Monday" opts nobody out.
    """
    folded = _fold(text)
    sender = _fold(app_settings.SENDER_ID)
    spellings = {folded, folded.removesuffix(f" {sender}") if sender else folded}
    for action, words in (("out", app_settings.OPT_OUT_KEYWORDS), ("in", app_settings.OPT_IN_KEYWORDS)):
        if spellings & {_fold(word) for word in words}:
            return action
    return ""


def obey_keyword(phone: str, text: str) -> str:
    """Do what a text received from ``phone`` asks for; the answer of :func:`keyword_of`.

    Opting out stops everything on every channel. Opting in takes back what the person's own words and
    clicks stopped, and not what the site's staff entered.
    """
    action = keyword_of(text)
    if action == "out":
        suppress(phone, source=KEYWORD, reason=f"wrote: {text.strip()[:100]}")
    elif action == "in":
        release(phone, sources=OWN_WORD)
    return action
