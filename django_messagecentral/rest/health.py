"""Whether everything that messages need is alive, with its details."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral import health
from django_messagecentral.health_views import remembered
from django_messagecentral.messaging.models import Marker
from django_messagecentral.rest.base import Door
from django_messagecentral.rest.schema import described

_WORDS = (health.OK, health.WARNING, health.FAILING)


class FindingSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    status = serializers.ChoiceField(_WORDS)
    detail = serializers.CharField()


@extend_schema_serializer(many=False)
class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(_WORDS)
    checks = FindingSerializer(many=True)


class HealthViewSet(Door):
    """The same as the command and the page for monitors."""

    queryset = Marker.objects.none()
    serializer_class = HealthSerializer
    permissions_by_action = {"list": ("view_health",)}
    pagination_class = None

    @described(
        "Is everything alive that messages need?",
        {200: HealthSerializer},
        shows={
            "status": "ok",
            "checks": [{"name": "queue", "status": "ok", "detail": "nothing waits"}],
        },
    )
    def list(self, request: Request) -> Response:
        """200 whatever is found: ``status`` says it. No older than half a minute."""
        return Response(remembered())
