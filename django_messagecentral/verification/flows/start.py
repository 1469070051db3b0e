"""Start: a person wants to show that they hold a phone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral.conf import app_settings
from django_messagecentral.phones import InvalidPhone, parse_phone
from django_messagecentral.verification.email import usable_channels
from django_messagecentral.verification.flows.asking import build_ask, checked_purpose
from django_messagecentral.verification.flows.living import answer_living
from django_messagecentral.verification.flows.sending import Draft, draft_for, refuse, send_code
from django_messagecentral.verification.guards import Ask, Refused
from django_messagecentral.verification.guards.screen import screen
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import StartResult
from django_messagecentral.verification.subjects import is_user, subject_to_start


def start_verification(
    phone: object,
    *,
    purpose: str = "default",
    channel: str | None = None,
    user: Any = None,
    session: Any = None,
    subject: str = "",
    request: HttpRequest | None = None,
    ip: str = "",
    region: str = "",
    locale: str = "",
    draft: Draft | None = None,
) -> StartResult:
    """Send a code to ``phone`` and answer the verification that it opens.

    ``phone``: any spelling; without a country code ``region`` (else the setting DEFAULT_REGION) names the
    country. ``channel``: SMS, WHATSAPP or RCS. It belongs to ``subject`` if given, else to ``user``, else to
    ``session``, else to who ``request`` comes from; with none of them ``result.token`` is the only key to
    it. ``ip`` overrides the request's address. Asked again for the same phone, purpose and subject, a
    living verification goes on (``already_sent``) and nothing is sent. ``draft`` is the login's: it may
    want a decoy.

    Raises ``ValueError`` for a purpose that is no slug and ``InsideTransaction`` inside ``atomic()``;
    everything else is in the result.
    """
    checked_purpose(purpose)
    try:
        parsed = parse_phone(phone, region=region or app_settings.DEFAULT_REGION)
    except InvalidPhone as error:
        return StartResult(ok=False, reason=Reason.INVALID_PHONE, detail=_(error.reason))
    owner, token = subject_to_start(user=user, session=session, subject=subject, request=request)
    who = user if user is not None else getattr(request, "user", None)
    who = who if is_user(who) else None
    ask = build_ask(parsed, purpose=purpose, subject=owner, channel=channel, user=who, request=request, ip=ip)
    now = timezone.now()
    try:
        screen(ask)
    except Refused as refused:
        return refuse(ask, refused.verdict, now)
    del ask.would_refuse[:]  # a dry run notes them once, when the code is sent
    result = answer_living(ask, now, who, locale)
    if result is None:
        result = send_code(
            ask, draft=draft or draft_for(parsed.e164, who, ask.channel), user=who, locale=locale
        )
    if result.reason == Reason.NUMBER_REFUSED and channel is None:
        result = _by_another_channel(ask, result, draft, who, locale)
    return replace(result, token=token) if result.verification is not None else result


def _by_another_channel(
    ask: Ask, result: StartResult, draft: Draft | None, user: Any, locale: str
) -> StartResult:
    """The vendor refused this channel: the next ones at once, each past all guards."""
    for other in usable_channels(user, ask.purpose)[1:]:
        ask.channel = other
        made = draft or draft_for(ask.phone.e164, user, other)
        result = send_code(ask, draft=made, user=user, locale=locale)
        if result.reason != Reason.NUMBER_REFUSED:
            break
    return result
