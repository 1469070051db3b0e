"""The gate as a DRF permission."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from django_messagecentral.verification.gates import is_verified
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.rest.callers import is_browser
from django_messagecentral.verification.subjects import TOKEN_HEADER


class PhoneVerified(BasePermission):
    """Lets in who verified a phone lately. The view names the terms::

        class Pay(APIView):
            permission_classes = [PhoneVerified]
            verification_purpose = "payment"
            verification_max_age = 600                       # seconds
            def get_verification_phone(self) -> str: ...     # optional: the one number that counts

    Answers 403 with the code ``proof_invalid``: the client verifies through ``/verifications/`` with that
    purpose, as the same user, in the same session or with the same ``X-Verification-Token``, and calls again.
    """

    message = Reason.PROOF_INVALID.label
    code = Reason.PROOF_INVALID.value

    def has_permission(self, request: Request, view: Any) -> bool:
        phone = getattr(view, "get_verification_phone", str)()
        return is_verified(
            request,
            purpose=view.verification_purpose,
            max_age=view.verification_max_age,
            phone=phone,
            token="" if is_browser(request) else request.headers.get(TOKEN_HEADER, ""),
        )
