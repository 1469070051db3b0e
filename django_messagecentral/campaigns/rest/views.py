"""Campaigns for scripts and other services: all that the admin's buttons do."""

from __future__ import annotations

from collections.abc import Callable

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.models import Campaign, RejectedRow
from django_messagecentral.campaigns.report import report
from django_messagecentral.campaigns.rest import serializers
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.rest.base import Door
from django_messagecentral.rest.problems import Conflict
from django_messagecentral.rest.schema import described

_ONE = {200: serializers.CampaignSerializer}


class CampaignViewSet(Door):
    """Create, upload, launch, pause, resume, cancel, report."""

    queryset = Campaign.objects.all()
    serializer_class = serializers.CampaignSerializer
    serializers_by_action = {
        "create": serializers.CreateSerializer,
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
        "rejected": ("export_campaign",),
        "create": ("add_campaign",),
        "upload": ("import_campaign",),
        "launch": ("launch_campaign",),
        "pause": ("launch_campaign",),
        "resume": ("launch_campaign",),
        "cancel": ("launch_campaign",),
    }
    throttles_by_action = dict.fromkeys(("create", "upload", "launch", "pause", "resume", "cancel"), "write")
    filter_serializer = serializers.CampaignFilters
    parser_classes = (JSONParser, FormParser, MultiPartParser)
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"

    @described(
        "List campaigns, the newest first",
        {200: serializers.CampaignSerializer(many=True)},
        parameters=[serializers.CampaignFilters],
        statuses=(400, 404),
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    @described("One campaign", _ONE, statuses=(404,))
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        return Response(self.get_serializer(self.get_object()).data)

    @described(
        "Create a campaign, with its sheet or without",
        {201: serializers.CampaignSerializer},
        request={
            "application/json": serializers.CreateSerializer,
            "multipart/form-data": serializers.CreateSerializer,
        },
        statuses=(400, 415),
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

    @described("The numbers of a campaign now", {200: serializers.ReportSerializer}, statuses=(404,))
    @action(detail=True, methods=["get"])
    def report(self, request: Request, id: str) -> Response:  # noqa: A002
        return Response(report(self.get_object()).as_dict())

    @described(
        "A campaign's uploads, the newest first",
        {200: serializers.UploadSerializer(many=True)},
        statuses=(400, 404),
    )
    @action(detail=True, methods=["get"])
    def uploads(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.page(self.get_object().uploads.order_by("-pk"))

    @described(
        "Upload recipients (.xlsx); a task imports them",
        {202: serializers.UploadSerializer},
        request={"multipart/form-data": serializers.UploadRequestSerializer},
        statuses=(400, 404, 409, 415),
    )
    @uploads.mapping.post  # type: ignore[untyped-decorator]
    def upload(self, request: Request, id: str) -> Response:  # noqa: A002
        campaign, asked = self.get_object(), self.asked(request)
        try:
            upload = service.add_upload(campaign, asked["file"], user=request.user)
        except UnusableSheet as error:
            raise ValidationError({"file": [str(error)]}) from None
        except service.CampaignError as error:
            raise Conflict(str(error)) from None
        return Response(serializers.UploadSerializer(upload).data, status=status.HTTP_202_ACCEPTED)

    @described(
        "Rows that became no message, and why",
        {200: serializers.RejectedRowSerializer(many=True)},
        statuses=(400, 404),
    )
    @action(detail=True, methods=["get"])
    def rejected(self, request: Request, id: str) -> Response:  # noqa: A002
        rows = RejectedRow.objects.filter(upload__campaign=self.get_object()).select_related("upload")
        return self.page(rows)

    @described(
        "Launch now or at a time",
        _ONE,
        request=serializers.LaunchSerializer,
        statuses=(400, 404, 409, 415),
    )
    @action(detail=True, methods=["post"])
    def launch(self, request: Request, id: str) -> Response:  # noqa: A002
        asked = self.asked(request)
        return self._do(lambda campaign: service.launch(campaign, at=asked.get("at")))

    @described(
        "Pause; acts within two seconds",
        _ONE,
        request=serializers.ReasonSerializer,
        statuses=(400, 404, 409, 415),
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
        statuses=(400, 404, 409, 415),
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
