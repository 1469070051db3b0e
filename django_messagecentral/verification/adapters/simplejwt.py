"""djangorestframework-simplejwt: a pair of tokens for who proves a phone.

::

    path("api/token/phone/", PhoneTokenObtainPairView.as_view())

POST ``{"phone_proof": "..."}`` (from ``/verifications/{id}/check/``, purpose ``login``) as the caller who
verified -> ``{"access": ..., "refresh": ...}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed

from django_messagecentral.verification import login, service
from django_messagecentral.verification.rest.callers import caller_of, enforce_csrf

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.views import APIView as TokenViewBase

    def token_for(user: Any) -> Any: ...

else:
    from rest_framework_simplejwt.tokens import RefreshToken
    from rest_framework_simplejwt.views import TokenViewBase

    token_for = RefreshToken.for_user


class PhoneTokenObtainPairSerializer(serializers.Serializer[Any]):
    """Takes a proof of the purpose ``login``, once."""

    phone_proof = serializers.CharField(write_only=True, max_length=2000)
    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        who = caller_of(self.context["request"])
        proof = service.consume_proof(attrs["phone_proof"], purpose=login.PURPOSE, **who)
        user = login.user_of(proof.phone) if proof.ok and proof.phone else None
        if user is None or not login.may_enter(user, proof.phone):
            raise AuthenticationFailed(_("No active account has verified this phone."), "no_active_account")
        refresh = token_for(user)
        return {"refresh": str(refresh), "access": str(refresh.access_token)}


class PhoneTokenObtainPairView(TokenViewBase):
    """The pair of tokens."""

    serializer_class = PhoneTokenObtainPairSerializer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        enforce_csrf(request)
