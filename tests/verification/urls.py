"""The doors of the room, as a site mounts them."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.verification.rest.serializers import PhoneProofMixin


class SignupSerializer(PhoneProofMixin):
    proof_purpose = "signup"
    name = serializers.CharField()

    def create(self, validated_data: dict[str, str]) -> dict[str, str]:
        return validated_data

    def to_representation(self, instance: dict[str, str]) -> dict[str, str]:
        return instance


@api_view(["POST"])
def sign_up(request: Request) -> Response:
    serializer = SignupSerializer(data=request.data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    serializer.save()
    return Response(serializer.data, status=status.HTTP_201_CREATED)


urlpatterns = [
    path("api/messagecentral/", include("django_messagecentral.verification.rest.urls")),
    path("api/sign-up/", sign_up),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
]
