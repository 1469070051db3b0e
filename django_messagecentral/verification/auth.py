"""The authentication backend of a login by phone."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest

from django_messagecentral.verification import login, service


class PhoneLoginBackend(ModelBackend):
    """``authenticate(request, phone_proof=...)``: whoever proves a phone is the user who has verified it.

    Add it to AUTHENTICATION_BACKENDS. The user model has
    :class:`~django_messagecentral.verification.users.VerifiedPhoneMixin`. The proof must be for the purpose
    ``login`` and is used up.
    """

    def authenticate(  # type: ignore[override]
        self, request: HttpRequest | None, phone_proof: str | None = None, **kwargs: Any
    ) -> Any:
        if not phone_proof or request is None:
            return None
        proof = service.consume_proof(phone_proof, purpose=login.PURPOSE, request=request)
        user = login.user_of(proof.phone) if proof.ok and proof.phone else None
        return user if user is not None and login.may_enter(user, proof.phone) else None
