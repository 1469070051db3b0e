"""Campaigns for scripts and other services: all that the admin's buttons do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.campaigns import editing, service
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.preview import preview
from django_messagecentral.campaigns.report import report
from django_messagecentral.campaigns.rest import examples, serializers
from django_messagecentral.campaigns.rest.recipients import RecipientsMixin
from django_messagecentral.campaigns.rest.unconfirmed import UnconfirmedMixin
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.campaigns.states import NEVER_LEFT
from django_messagecentral.db import in_transaction, locked
from django_messagecentral.rest.base import Door, may_see_numbers
from django_messagecentral.rest.problems import Conflict
from django_messagecentral.rest.schema import BODY, described

READS = {"list", "retrieve", "report", "uploads", "preview", "unconfirmed", "rejected", "download"}
_ONE = {200: serializers.CampaignSerializer}


class CampaignViewSet(RecipientsMixin, UnconfirmedMixin, Door):
    """Create, change, upload, launch, pause, resume, cancel, decide, report, delete."""

    queryset = Campaign.objects.all()
    serializer_class = serializers.CampaignSerializer
    serializers_by_action = {
        "create": serializers.CreateSerializer,
        "partial_update": serializers.ChangeSerializer,
        "numbers": serializers.NumbersSerializer,
        "recipients": serializers.RecipientsSerializer,
        "preview": serializers.PreviewSerializer,
        "unconfirmed": serializers.UnconfirmedSerializer,
        "resend": serializers.ConfirmSerializer,
        "give_up": serializers.ConfirmSerializer,
        "upload": serializers.UploadRequestSerializer,
        "uploads": serializers.UploadSerializer,
        "rejected": serializers.RejectedRowSerializer,
        "launch": serializers.LaunchSerializer,
        "pause": serializers.ReasonSerializer,
        "cancel": serializers.ReasonSerializer,
    }
    permissions_by_action = {
        "list": ("view_campaign",),
        "retrieve": ("view_campaign",),
        "report": ("view_campaign",),
        "uploads": ("view_campaign",),
        "preview": ("view_campaign",),
        "unconfirmed": ("view_campaign",),
        "rejected": ("export_campaign",),
        "download": ("export_campaign",),
        "create": ("add_campaign",),
        "partial_update": ("change_campaign",),
        "destroy": ("delete_campaign",),
        "upload": ("import_campaign",),
        "numbers": ("import_campaign",),
        "recipients": ("import_campaign",),
        "resend": ("launch_campaign",),
        "give_up": ("launch_campaign",),
        "launch": ("launch_campaign",),
        "pause": ("launch_campaign",),
        "resume": ("launch_campaign",),
        "cancel": ("launch_campaign",),
    }
    throttles_by_action = dict.fromkeys(set(permissions_by_action) - READS, "write")
    filter_serializer = serializers.CampaignFilters
    parser_classes = (JSONParser, FormParser, MultiPartParser)

    @described(
        "List campaigns, the newest first",
        {200: serializers.CampaignSerializer(many=True)},
        parameters=[serializers.CampaignFilters],
        statuses=(400, 404),
        shows=examples.CAMPAIGN,
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    @described("One campaign", _ONE, statuses=(404,))
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        return self.one()

    @described(
        "Create a campaign, with its sheet or without",
        {201: serializers.CampaignSerializer},
        request={
            "application/json": serializers.CreateSerializer,
            "multipart/form-data": serializers.CreateSerializer,
        },
        statuses=BODY,
        asks=examples.CREATE,
        shows=examples.CAMPAIGN,
    )
    def create(self, request: Request) -> Response:
        asked = self.asked(request)
        if asked.get("file") and not request.user.has_perm("messagecentral.import_campaign"):
            raise PermissionDenied
        try:
            campaign = service.create_campaign(**asked, user=request.user)
        except (service.CampaignError, UnusableSheet) as error:
            raise ValidationError(str(error)) from None
        return self._answer(campaign, status.HTTP_201_CREATED)

    @described(
        "Change a campaign",
        _ONE,
        request=serializers.ChangeSerializer,
        statuses=(*BODY, 404, 409),
        asks={"text": "Hello ##name##, 25 % off until Sunday."},
        shows=examples.CAMPAIGN,
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        """What may still be changed depends on how far it has come. Of a campaign that runs or is about to,
        ``pace`` and ``ends_at`` also need ``launch_campaign``: they decide what leaves when.
        """
        campaign, asked = self.get_object(), self.asked(request)
        may_launch = request.user.has_perm("messagecentral.launch_campaign")
        try:
            _change(campaign, asked, may_launch=may_launch)
        except service.CampaignError as error:
            now = Campaign.objects.filter(pk=campaign.pk).first()
            if now is None or set(asked) & set(editing.fixed_fields(now)):
                raise Conflict(str(error)) from None
            raise ValidationError(str(error)) from None
        return self._answer(campaign)

    @described("Delete a campaign of which nothing has left", {204: None}, statuses=(404, 409))
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        """With its recipients, its rejected rows and its files."""
        try:
            editing.delete_campaign(self.get_object())
        except service.CampaignError as error:
            raise Conflict(str(error)) from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    @described("The numbers of a campaign now", {200: serializers.ReportSerializer}, statuses=(404,))
    @action(detail=True, methods=["get"])
    def report(self, request: Request, id: str) -> Response:  # noqa: A002
        return Response(report(self.get_object()).as_dict())

    @described(
        "What the first recipients will read",
        {200: serializers.PreviewSerializer(many=True)},
        statuses=(404,),
        shows=examples.PREVIEW,
    )
    @action(detail=True, methods=["get"], pagination_class=None)
    def preview(self, request: Request, id: str) -> Response:  # noqa: A002
        shown = preview(self.get_object(), full_numbers=may_see_numbers(self.get_serializer_context()))
        return Response(serializers.PreviewSerializer(shown, many=True).data)

    @described(
        "Launch now or at a time",
        _ONE,
        request=serializers.LaunchSerializer,
        statuses=(*BODY, 404, 409),
        shows=examples.CAMPAIGN,
    )
    @action(detail=True, methods=["post"])
    def launch(self, request: Request, id: str) -> Response:  # noqa: A002
        asked = self.asked(request)
        return self._do(lambda campaign: service.launch(campaign, at=asked.get("at")))

    @described(
        "Pause; acts within two seconds",
        _ONE,
        request=serializers.ReasonSerializer,
        statuses=(*BODY, 404, 409),
        shows=examples.CAMPAIGN,
    )
    @action(detail=True, methods=["post"])
    def pause(self, request: Request, id: str) -> Response:  # noqa: A002
        asked = self.asked(request)
        return self._do(lambda campaign: service.pause(campaign, asked.get("reason", "")))

    @described("Go on where it stopped", _ONE, statuses=(404, 409))
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, id: str) -> Response:  # noqa: A002
        return self._do(service.resume)

    @described(
        "Stop for good; what has not left never will",
        _ONE,
        request=serializers.ReasonSerializer,
        statuses=(*BODY, 404, 409),
        shows=examples.CAMPAIGN,
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, id: str) -> Response:  # noqa: A002
        asked = self.asked(request)
        return self._do(lambda campaign: service.cancel(campaign, asked.get("reason", "")))

    def _do(self, press: Callable[[Campaign], Campaign]) -> Response:
        try:
            return self._answer(press(self.get_object()))
        except service.CampaignError as error:
            raise Conflict(str(error)) from None

    def _answer(self, campaign: Campaign, code: int = status.HTTP_200_OK) -> Response:
        campaign.refresh_from_db()
        return Response(serializers.CampaignSerializer(campaign).data, status=code)


@in_transaction(Campaign)
def _change(campaign: Campaign, asked: dict[str, Any], *, may_launch: bool) -> None:
    """The row is held while the permission is judged: nobody launches in between."""
    now: Campaign | None = locked(Campaign.objects.filter(pk=campaign.pk)).first()
    if now is None:
        raise NotFound
    if now.status not in NEVER_LEFT and {"pace", "ends_at"} & set(asked) and not may_launch:
        raise PermissionDenied
    editing.change_campaign(campaign, **asked)
