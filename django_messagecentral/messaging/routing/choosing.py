"""By which channel a message begins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

from django_messagecentral.conf import app_settings
from django_messagecentral.db import batched
from django_messagecentral.exceptions import InvalidArgument
from django_messagecentral.messaging.models import Message
from django_messagecentral.messaging.routing import policies
from django_messagecentral.messaging.routing.memory import PHONES, known_of
from django_messagecentral.messaging.routing.models import Hop
from django_messagecentral.messaging.routing.policies import Asked
from django_messagecentral.messaging.states import Status


def begin(asked: Asked, name: str) -> str:
    """The channel of a single message, by the policy ``name`` (empty: the site's). A channel that was asked
    for is taken. Raises ``InvalidArgument``.
    """
    check_name(name)
    chosen = policies.policy(name)
    if asked.channel or not policies.in_use():
        return asked.channel or app_settings.CHANNEL
    return chosen.first(asked, known_of([asked], failing=chosen.chooses))


def check_name(name: str) -> None:
    """Raises ``InvalidArgument`` for a policy that is none, or that has no channels to choose from."""
    if not name:
        return
    try:
        possible = policies.may_be(name)
    except ImproperlyConfigured as error:
        raise InvalidArgument(f"Unknown routing {name!r}: {error}.") from None
    if not possible:
        raise InvalidArgument(f"The routing {name!r} needs two or more ROUTING_CHANNELS.")


def remember(message: Message, name: str) -> None:
    """Note a stored single message that may go on by another channel, in the transaction that stores it."""
    if policies.in_use() and policies.policy(name).follows:
        Hop.objects.create(
            first=message, message=message, channel=message.channel, policy=name or app_settings.ROUTING
        )


def chooses(name: str) -> bool:
    """Whether messages of a campaign with the policy ``name`` have channels of their own."""
    return policies.in_use() and policies.policy(name).chooses


def choose_for(ids: Sequence[int], name: str) -> None:
    """Give drafts of a campaign the channel that its policy ``name`` chooses, just before they are queued:
    by then most is known. A few queries for :data:`~.memory.PHONES` messages, none a message.
    """
    if not chooses(name):
        return
    chosen = policies.policy(name)
    for batch in batched(ids, PHONES):
        drafts = Message.objects.filter(pk__in=batch, status=Status.DRAFT)
        rows = list(drafts.values_list("pk", "phone", "region", "message_type", "channel"))
        asked = {pk: Asked(*facts) for pk, *facts in rows}
        known = known_of(list(asked.values()), failing=True)
        groups: defaultdict[str, list[int]] = defaultdict(list)
        for pk, each in asked.items():
            if (channel := chosen.first(each, known)) != each.channel:
                groups[channel].append(pk)
        for channel, pks in groups.items():
            drafts.filter(pk__in=pks).update(channel=channel)
