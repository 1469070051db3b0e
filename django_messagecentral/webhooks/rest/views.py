"""Endpoints and deliveries for scripts and other services."""

from __future__ import annotations

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.rest.base import Door
from django_messagecentral.rest.schema import described
from django_messagecentral.webhooks import service
from django_messagecentral.webhooks.models import WebhookDelivery, WebhookEndpoint
from django_messagecentral.webhooks.rest import serializers

_ONE = {200: serializers.EndpointSerializer}


class WebhookEndpointViewSet(Door):
    """Who hears of what. A secret is answered once: when it is made."""

    queryset = WebhookEndpoint.objects.all()
    serializer_class = serializers.EndpointSerializer
    serializers_by_action = {
        "create": serializers.ChangeEndpointSerializer,
        "partial_update": serializers.ChangeEndpointSerializer,
    }
    permissions_by_action = {
        "list": ("view_webhookendpoint",),
        "retrieve": ("view_webhookendpoint",),
        "create": ("add_webhookendpoint",),
        "partial_update": ("change_webhookendpoint",),
        "destroy": ("delete_webhookendpoint",),
        "rotate": ("change_webhookendpoint",),
        "test": ("change_webhookendpoint",),
    }
    throttles_by_action = dict.fromkeys(("create", "partial_update", "destroy", "rotate", "test"), "write")
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"

    @described(
        "List webhook endpoints, the newest first",
        {200: serializers.EndpointSerializer(many=True)},
        statuses=(404,),
    )
    def list(self, request: Request) -> Response:
        return self.page(self.get_queryset())

    @described("One webhook endpoint", _ONE, statuses=(404,))
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        return Response(self.get_serializer(self.get_object()).data)

    @described(
        "Create a webhook endpoint; the answer has its secret, this once",
        {201: serializers.EndpointWithSecretSerializer},
        request=serializers.ChangeEndpointSerializer,
        statuses=(400, 415),
    )
    def create(self, request: Request) -> Response:
        endpoint, secret = service.create_endpoint(**self.asked(request))
        return self._with_secret(endpoint, secret, status.HTTP_201_CREATED)

    @described(
        "Change a webhook endpoint; enabling it begins anew",
        _ONE,
        request=serializers.ChangeEndpointSerializer(partial=True),
        statuses=(400, 404, 415),
    )
    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        endpoint = self.get_object()
        serializer = self.get_serializer(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        service.change_endpoint(endpoint, **serializer.validated_data)
        return Response(serializers.EndpointSerializer(endpoint).data)

    @described("Delete a webhook endpoint, and what waits for it", {204: None}, statuses=(404,))
    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    @described(
        "Make a new secret; the old one stays valid for a day",
        {200: serializers.EndpointWithSecretSerializer},
        statuses=(404,),
    )
    @action(detail=True, methods=["post"], url_path="rotate-secret")
    def rotate(self, request: Request, id: str) -> Response:  # noqa: A002
        endpoint = self.get_object()
        return self._with_secret(endpoint, service.rotate_secret(endpoint), status.HTTP_200_OK)

    @described("Send a webhook.test event", {202: None}, statuses=(404,))
    @action(detail=True, methods=["post"])
    def test(self, request: Request, id: str) -> Response:  # noqa: A002
        service.send_test(self.get_object())
        return Response(status=status.HTTP_202_ACCEPTED)

    def _with_secret(self, endpoint: WebhookEndpoint, secret: str, code: int) -> Response:
        context = {**self.get_serializer_context(), "secret": secret}
        return Response(serializers.EndpointWithSecretSerializer(endpoint, context=context).data, status=code)


class WebhookDeliveryViewSet(Door):
    """What was told to whom, and what they answered."""

    queryset = WebhookDelivery.objects.select_related("endpoint")
    serializer_class = serializers.DeliverySerializer
    permissions_by_action = {
        "list": ("view_webhookdelivery",),
        "retrieve": ("view_webhookdelivery",),
        "replay": ("change_webhookendpoint",),
    }
    throttles_by_action = {"replay": "write"}
    filter_serializer = serializers.DeliveryFilters
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"

    @described(
        "List webhook deliveries, the newest first",
        {200: serializers.DeliverySerializer(many=True)},
        parameters=[serializers.DeliveryFilters],
        statuses=(400, 404),
    )
    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    @described("One webhook delivery", {200: serializers.DeliverySerializer}, statuses=(404,))
    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002
        return Response(self.get_serializer(self.get_object()).data)

    @described("Send it again, with the id it had", {202: None}, statuses=(404,))
    @action(detail=True, methods=["post"])
    def replay(self, request: Request, id: str) -> Response:  # noqa: A002
        service.replay(WebhookDelivery.objects.filter(pk=self.get_object().pk))
        return Response(status=status.HTTP_202_ACCEPTED)
