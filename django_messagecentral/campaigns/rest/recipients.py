"""A campaign's recipients: files, typed numbers and lists in, the rows that were set aside out."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.campaigns import exports, service
from django_messagecentral.campaigns.models import CampaignUpload, RejectedRow
from django_messagecentral.campaigns.rest import examples, serializers
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.rest.base import Door, may_see_numbers
from django_messagecentral.rest.problems import Conflict
from django_messagecentral.rest.renderers import SpreadsheetRenderer, spreadsheet
from django_messagecentral.rest.schema import BODY, described
from django_messagecentral.rest.schema import spreadsheet as a_spreadsheet


class RecipientsMixin(Door):
    """Doors under ``campaigns/{id}/``."""

    @described(
        "A campaign's uploads, the newest first",
        {200: serializers.UploadSerializer(many=True)},
        statuses=(400, 404),
        shows=examples.UPLOAD,
    )
    @action(detail=True, methods=["get"])
    def uploads(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        return self.page(self.get_object().uploads.order_by("-pk"))

    @described(
        "Upload recipients (.xlsx or .csv); a task imports them",
        {202: serializers.UploadSerializer},
        request={"multipart/form-data": serializers.UploadRequestSerializer},
        statuses=(*BODY, 404, 409),
        shows=examples.UPLOAD,
    )
    @uploads.mapping.post  # type: ignore[untyped-decorator]
    def upload(self, request: Request, id: str) -> Response:  # noqa: A002
        campaign, file = self.get_object(), self.asked(request)["file"]
        return self._take("file", lambda: service.add_upload(campaign, file, user=request.user))

    @described(
        "Add numbers as a person types them; a task imports them",
        {202: serializers.UploadSerializer},
        request=serializers.NumbersSerializer,
        statuses=(*BODY, 404, 409),
        asks={"numbers": "98765 43210\n98765 43211", "country": "IN"},
        shows=examples.UPLOAD | {"original_name": "typed numbers.csv"},
    )
    @action(detail=True, methods=["post"])
    def numbers(self, request: Request, id: str) -> Response:  # noqa: A002
        campaign, asked = self.get_object(), self.asked(request)
        text, country = asked["numbers"], asked.get("country", "")
        return self._take(
            "numbers", lambda: service.add_numbers(campaign, text, country=country, user=request.user)
        )

    @described(
        "Add recipients as JSON; a task imports them",
        {202: serializers.UploadSerializer},
        request=serializers.RecipientsSerializer,
        statuses=(*BODY, 404, 409),
        asks={"recipients": [{"Mobile": "98765 43210", "name": "Asha"}], "country": "IN"},
        shows=examples.UPLOAD | {"original_name": "recipients.csv"},
    )
    @action(detail=True, methods=["post"])
    def recipients(self, request: Request, id: str) -> Response:  # noqa: A002
        campaign = self.get_object()
        serializer = serializers.RecipientsSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.table()
        rows = asked.pop("recipients")
        return self._take(
            "recipients", lambda: service.add_recipients(campaign, rows, **asked, user=request.user)
        )

    @described(
        "Rows that became no message, and why",
        {200: serializers.RejectedRowSerializer(many=True)},
        statuses=(400, 404),
        shows=examples.REJECTED,
    )
    @action(detail=True, methods=["get"])
    def rejected(self, request: Request, id: str) -> Response:  # noqa: A002
        rows = RejectedRow.objects.filter(upload__campaign=self.get_object()).select_related("upload")
        return self.page(rows)

    @described(
        "The rejected rows as an .xlsx, to be mended and uploaded again",
        a_spreadsheet("The rows, with what to mend in each."),
        statuses=(404,),
    )
    @action(
        detail=True,
        methods=["get"],
        url_path="rejected/download",
        renderer_classes=[SpreadsheetRenderer, JSONRenderer],
    )
    def download(self, request: Request, id: str) -> HttpResponse:  # noqa: A002
        """Also needs ``view_phone_numbers``: the rows are there in full."""
        campaign = self.get_object()
        if not may_see_numbers(self.get_serializer_context()):
            raise PermissionDenied
        return spreadsheet(exports.rejected_rows(campaign), f"rejected-rows-{campaign.public_id}.xlsx")

    def _take(self, field: str, add: Callable[[], CampaignUpload]) -> Response:
        try:
            upload = add()
        except UnusableSheet as error:
            raise ValidationError({field: [str(error)]}) from None
        except service.CampaignError as error:
            raise Conflict(str(error)) from None
        return Response(serializers.UploadSerializer(upload).data, status=status.HTTP_202_ACCEPTED)
