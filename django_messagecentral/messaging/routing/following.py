"""What follows when a send failed: a new message by the next channel, linked to the first.

It is stored in the transaction that writes the failure, so a process that dies leaves both or neither. From
then on it is a single message like any other: opt-outs, budgets, quiet hours and the pace hold for it. It
never follows a message that may have arrived: one that is unconfirmed, was given up by a person, or of which
the carrier says "unknown".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from django_messagecentral.conf import app_settings
from django_messagecentral.db import Conflict, database_for, in_transaction, locked
from django_messagecentral.messaging import budgets, transitions, unsubscribe
from django_messagecentral.messaging.delivery import too_long
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.results import Result
from django_messagecentral.messaging.routing import policies
from django_messagecentral.messaging.routing.memory import known_of
from django_messagecentral.messaging.routing.models import Hop
from django_messagecentral.messaging.routing.policies import Asked
from django_messagecentral.messaging.segments import count_segments
from django_messagecentral.messaging.states import Cause, Status
from django_messagecentral.messaging.text import BoundTemplate, Template, TemplateError

UNDELIVERED = (Status.UNDELIVERED, Status.REJECTED, Status.EXPIRED)
PURPOSE = "fallback"  # of what follows a message that has no purpose of its own
CANCELLED, PAUSED = "cancelled", "paused"  # states of a campaign
PAUSED_WAIT = 60.0  # seconds after which a message of a paused campaign's chain is looked at again
BATCH = 500
MOST_AHEAD = 100_000  # messages in line that are counted


def follow(changes: Sequence[transitions.StatusChange]) -> None:
    """Do what changes of status ask for, in their own transaction. Costs nothing on a site without channels
    to choose from.
    """
    if not policies.in_use():
        return
    failed = {change.message_id: _why(change) for change in changes}
    causes = {pk: why for pk, why in failed.items() if why}
    if causes:
        _go_on(_routed(causes), causes)
    if delivered := [change.message_id for change in changes if change.new == Status.DELIVERED]:
        _call_off(delivered)
    if app_settings.ROUTING_FALLBACK_AFTER:
        _watch([change.message_id for change in changes if change.new == Status.SUBMITTED])


@in_transaction(Message)
def time_out() -> int:
    """Go on with messages of which nothing was heard; how many were looked at. Called by the sweep."""
    if not (policies.in_use() and app_settings.ROUTING_FALLBACK_AFTER):
        return 0
    due = Hop.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    pairs = list(due.values_list("pk", "message_id")[:BATCH])
    Hop.objects.filter(pk__in=[pk for pk, _message in pairs]).update(due_at=None)
    ids = [message for _pk, message in pairs]
    silent = locked(Message.objects.filter(pk__in=ids, status=Status.SUBMITTED).order_by("pk"))
    causes = dict.fromkeys(silent.values_list("pk", flat=True), Hop.Cause.TIMED_OUT)
    if causes:
        _go_on(_routed(causes), causes)
    return len(pairs)


def held_back(message: Message) -> Result | None:
    """Why a message that follows one of a campaign does not leave now: the campaign's buttons and budgets
    hold for it too.
    """
    if not policies.in_use():
        return None
    hop = Hop.objects.filter(message=message.pk).select_related("first__campaign").first()
    campaign = hop.first.campaign if hop else None
    if campaign is None:
        return None
    if campaign.status == CANCELLED:
        return Result(status=Status.CANCELLED, error=_("The campaign is cancelled."))
    if campaign.status == PAUSED:
        later = timezone.now() + timedelta(seconds=PAUSED_WAIT)
        return Result(status=Status.QUEUED, not_before=later)
    if budget := budgets.spent_budget(campaign.pk, message.message_type):
        return Result(status=Status.QUEUED, not_before=budgets.look_again_at(budget))
    return None


def _why(change: transitions.StatusChange) -> Hop.Cause | None:
    if change.new in UNDELIVERED and change.cause is Cause.CALLBACK:
        return Hop.Cause.UNDELIVERED
    if change.new == Status.FAILED and change.old == Status.SENDING and change.cause is Cause.OWNER:
        return Hop.Cause.REFUSED
    return None


def _routed(ids: Iterable[int]) -> list[Message]:
    """Those of ``ids`` that may go on by another channel."""
    rows = Message.objects.filter(_may_follow(), pk__in=list(ids))
    return list(rows.select_related("hop", "campaign", "upload").order_by("pk"))


def _may_follow() -> Q:
    of_campaign = Q(campaign__routing__in=policies.following_names()) & ~Q(campaign__status=CANCELLED)
    return Q(hop__isnull=False) | of_campaign


def _go_on(rows: list[Message], causes: Mapping[int, Hop.Cause]) -> None:
    """Store the next message of each of ``rows`` that has one. Raises ``Conflict`` if another did."""
    chains = _chains(rows)
    last = [row for row in rows if not chains[row.pk] or chains[row.pk][-1].message_id == row.pk]
    # A refusal for the text or an empty variable has no code, and would be the same by any channel.
    last = [row for row in last if causes[row.pk] is not Hop.Cause.REFUSED or row.error_code]
    asked = {row.pk: Asked(row.phone, row.region, row.message_type, row.channel) for row in last}
    names = {row.pk: _name(row, chains[row.pk]) for row in last}
    chosen = {name: policies.policy(name) for name in set(names.values())}
    known = known_of(list(asked.values()), failing=any(each.chooses for each in chosen.values()))
    texts = _Texts()
    firsts: list[Hop] = []
    hops: list[Hop] = []
    for row in last:
        chain = chains[row.pk]
        tried = {hop.channel for hop in chain} | {row.channel}
        channel = chosen[names[row.pk]].following(asked[row.pk], known, tried)
        text = texts.of(row) if channel and channel not in tried else ""
        if not text:
            continue
        first = chain[0].first_id if chain else row.pk
        name = names[row.pk]
        if not chain:
            firsts.append(Hop(first_id=first, message=row, channel=row.channel, policy=name))
        message = _next_message(row, channel, text)
        hops.append(Hop(first_id=first, message=message, channel=channel, cause=causes[row.pk], policy=name))
    if hops:
        _store(firsts, hops)


def _name(row: Message, chain: list[Hop]) -> str:
    """The policy that a message began with."""
    of_campaign = row.campaign.routing if row.campaign else ""
    return (chain[0].policy if chain else of_campaign) or app_settings.ROUTING


def _chains(rows: list[Message]) -> dict[int, list[Hop]]:
    """By message: the hops of its chain, oldest first; none where it is alone so far."""
    first_of = {row.pk: row.hop.first_id for row in rows if hasattr(row, "hop")}
    by_first: defaultdict[int, list[Hop]] = defaultdict(list)
    for hop in Hop.objects.filter(first__in=set(first_of.values())).order_by("pk"):
        by_first[hop.first_id].append(hop)
    return {row.pk: by_first[first_of[row.pk]] if row.pk in first_of else [] for row in rows}


def _next_message(row: Message, channel: str, text: str) -> Message:
    return Message(
        phone=row.phone,
        region=row.region,
        text=text,
        channel=channel,
        message_type=row.message_type,
        sender_id=row.sender_id,
        template_id=row.template_id,
        entity_id=row.entity_id,
        purpose=row.purpose or PURPOSE,
        status=Status.QUEUED,
        segments=count_segments(unsubscribe.with_placeholder(text)),
    )


def _store(firsts: list[Hop], hops: list[Hop]) -> None:
    from django_messagecentral.messaging.tasks import deliver_message

    using = database_for(Message)
    messages = [hop.message for hop in hops]
    _line_up(messages)
    try:
        with transaction.atomic(using=using):
            Hop.objects.bulk_create(firsts, batch_size=BATCH)
            Message.objects.bulk_create(messages, batch_size=BATCH)
            for hop, message in zip(hops, messages, strict=True):
                hop.message_id = message.pk
            Hop.objects.bulk_create(hops, batch_size=BATCH)
    except IntegrityError as error:
        raise Conflict("somebody else went on with these messages") from error
    for message in messages:
        if message.not_before is None:
            transaction.on_commit(partial(deliver_message.delay, message.pk), using=using, robust=True)


def _line_up(messages: list[Message]) -> None:
    """A second's worth of the pace leaves at once. The others get moments of their own, behind those that
    wait already, and the sweep sends them: single messages do not wait for the pace, and reports come by
    thousands.
    """
    now, rate = timezone.now(), app_settings.PACE_PER_SECOND
    queued = Message.objects.filter(campaign__isnull=True, status=Status.QUEUED, not_before__gt=now)
    ahead = queued.order_by()[:MOST_AHEAD].count()
    at_once = 0 if ahead else max(1, int(rate))
    for place, message in enumerate(messages[at_once:], start=ahead + 1):
        message.not_before = now + timedelta(seconds=place / rate)


def _call_off(delivered: list[int]) -> None:
    """What still waits of a chain of which one has arrived does not leave."""
    firsts = list(Hop.objects.filter(message__in=delivered).values_list("first_id", flat=True))
    if firsts:
        waiting = Message.objects.filter(hop__first__in=firsts, status=Status.QUEUED, attempt_count=0)
        ids = list(waiting.exclude(pk__in=delivered).values_list("pk", flat=True))
        transitions.move(Message.objects.filter(pk__in=ids), Status.QUEUED, Status.CANCELLED, Cause.PLAN)


def _watch(submitted: list[int]) -> None:
    """Note until when a report is waited for."""
    if not submitted:
        return
    due_at = timezone.now() + timedelta(seconds=app_settings.ROUTING_FALLBACK_AFTER)
    Hop.objects.filter(message__in=submitted).update(due_at=due_at)
    alone: QuerySet[Message] = Message.objects.filter(_may_follow(), pk__in=submitted, hop__isnull=True)
    rows = alone.values_list("pk", "channel", "campaign__routing")
    Hop.objects.bulk_create(
        (
            Hop(
                first_id=pk,
                message_id=pk,
                channel=channel,
                policy=name or app_settings.ROUTING,
                due_at=due_at,
            )
            for pk, channel, name in rows
        ),
        batch_size=BATCH,
        ignore_conflicts=True,
    )


class _Texts:
    """What messages say; a campaign's template is read once a sheet."""

    def __init__(self) -> None:
        self._bound: dict[tuple[int | None, int | None], BoundTemplate] = {}

    def of(self, row: Message) -> str:
        """Empty where there is none any more (purged), or it cannot be made."""
        if row.campaign is None:
            return row.text
        key = (row.campaign_id, row.upload_id)
        try:
            if key not in self._bound:
                columns = row.upload.columns if row.upload else []
                self._bound[key] = Template.parse(row.campaign.text).bind(columns)
            text = self._bound[key].render(row.variables)
        except TemplateError:
            return ""
        return "" if too_long(unsubscribe.with_placeholder(text)) else text
