"""Messages that may have left: what is to be decided, and the decisions, each with its warning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.campaigns import unconfirmed as deciding
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.rest import examples, serializers
from django_messagecentral.campaigns.service import CampaignError
from django_messagecentral.campaigns.terminal import give_up_warning, resend_warning
from django_messagecentral.rest.base import Door
from django_messagecentral.rest.problems import Conflict
from django_messagecentral.rest.schema import BODY, described


def _standing(campaign: Campaign) -> dict[str, Any]:
    found = deciding.unconfirmed(campaign)
    may_resend = found.ready > 0 and campaign.status in deciding.RESENDS_FROM
    return {
        "ready": found.ready,
        "too_fresh": found.too_fresh,
        "wait": found.wait,
        "resend": {"allowed": may_resend, "warning": resend_warning(campaign, found.ready)},
        "give_up": {"allowed": found.ready > 0, "warning": give_up_warning(campaign, found.ready)},
    }


class UnconfirmedMixin(Door):
    """Doors under ``campaigns/{id}/unconfirmed/``."""

    @described(
        "Messages that nobody knows to have left, and what can be decided",
        {200: serializers.UnconfirmedSerializer},
        statuses=(404,),
        shows=examples.UNCONFIRMED,
    )
    @action(detail=True, methods=["get"])
    def unconfirmed(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        return Response(_standing(self.get_object()))

    @described(
        "Send the unconfirmed messages again",
        {200: serializers.DecidedSerializer},
        request=serializers.ConfirmSerializer,
        statuses=(*BODY, 404, 409),
        asks={"confirm": True},
        shows={"messages": 3},
    )
    @action(detail=True, methods=["post"], url_path="unconfirmed/resend")
    def resend(self, request: Request, id: str) -> Response:  # noqa: A002
        """Whoever has received one gets it twice. Without ``confirm: true``: 400 and the warning."""
        return self._decide(request, "resend", deciding.resend_unconfirmed)

    @described(
        "Count the unconfirmed messages as failed",
        {200: serializers.DecidedSerializer},
        request=serializers.ConfirmSerializer,
        statuses=(*BODY, 404, 409),
        asks={"confirm": True},
        shows={"messages": 3},
    )
    @action(detail=True, methods=["post"], url_path="unconfirmed/give-up")
    def give_up(self, request: Request, id: str) -> Response:  # noqa: A002
        """They are never sent. Without ``confirm: true``: 400 and the warning."""
        return self._decide(request, "give_up", deciding.give_up_unconfirmed)

    def _decide(self, request: Request, name: str, decide: Callable[[Campaign], int]) -> Response:
        campaign = self.get_object()
        if not self.asked(request)["confirm"]:
            raise ValidationError({"confirm": [_standing(campaign)[name]["warning"]]})
        try:
            return Response({"messages": decide(campaign)})
        except CampaignError as error:
            raise Conflict(str(error)) from None
