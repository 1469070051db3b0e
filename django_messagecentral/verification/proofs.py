"""The proof of a verification: signed, for one phone, purpose and subject, 10 minutes, once."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import HttpRequest
from django.utils import timezone

from django_messagecentral.conf import app_settings
from django_messagecentral.phones import InvalidPhone, parse_phone
from django_messagecentral.verification.flows.finding import find
from django_messagecentral.verification.models import Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import ProofResult
from django_messagecentral.verification.states import Proves, VerificationStatus
from django_messagecentral.verification.subjects import subjects_of

_SALT = "django_messagecentral.verification.proof"


def make_proof(verification: Verification) -> str:
    """A signed text that names the verification, its phone, purpose, subject and channel."""
    return signing.dumps(
        {
            "id": str(verification.public_id),
            "phone": verification.phone,
            "purpose": verification.purpose,
            "subject": verification.subject,
            "channel": verification.proves,
        },
        salt=_SALT,
    )


def read_proof(
    proof: str,
    *,
    purpose: str,
    phone: object = None,
    user: Any = None,
    session: Any = None,
    subject: str = "",
    token: str = "",
    request: HttpRequest | None = None,
) -> ProofResult:
    """Whether ``proof`` holds, without using it up: for validation before the work is done.

    ``result.phone`` is the verified number (empty for a code that came by e-mail, which proves none and
    counts only for a purpose in OTP_EMAIL_PURPOSES). With ``phone`` given (any spelling) it must be that one.
    """
    try:
        said = signing.loads(proof, salt=_SALT, max_age=app_settings.OTP_PROOF_LIFE)
    except signing.SignatureExpired:
        return ProofResult(ok=False, reason=Reason.PROOF_EXPIRED)
    except signing.BadSignature:
        return ProofResult(ok=False, reason=Reason.PROOF_INVALID)
    subjects = subjects_of(user=user, session=session, subject=subject, token=token, request=request)
    fits = said["channel"] == Proves.PHONE or purpose in app_settings.OTP_EMAIL_PURPOSES
    if said["purpose"] != purpose or said["subject"] not in (subjects or ()) or not fits:
        return ProofResult(ok=False, reason=Reason.PROOF_INVALID)
    verification = find(said["id"], subjects)
    if verification is None or verification.status != VerificationStatus.VERIFIED:
        return ProofResult(ok=False, reason=Reason.PROOF_INVALID)
    if verification.consumed_at is not None:
        return ProofResult(ok=False, reason=Reason.PROOF_USED)
    by_email = verification.proves == Proves.EMAIL
    if phone is not None and (by_email or _e164(phone) != verification.phone):
        return ProofResult(ok=False, reason=Reason.PROOF_MISMATCH)
    return ProofResult(
        ok=True,
        reason=Reason.EMAIL_VERIFIED if by_email else Reason.VERIFIED,
        verification=verification,
        phone="" if by_email else verification.phone,
        channel=verification.channel,
    )


def consume_proof(proof: str, *, purpose: str, phone: object = None, **who: Any) -> ProofResult:
    """As :func:`read_proof`, and use it up: of any number of parallel calls one succeeds.

    May be called inside a transaction: rolled back with it, the proof is whole again.
    """
    result = read_proof(proof, purpose=purpose, phone=phone, **who)
    if result.verification is None or not result.ok:
        return result
    used = Verification.objects.filter(
        pk=result.verification.pk, status=VerificationStatus.VERIFIED, consumed_at__isnull=True
    ).update(consumed_at=timezone.now())
    if not used:
        return ProofResult(ok=False, reason=Reason.PROOF_USED)
    result.verification.refresh_from_db()
    return result


def _e164(phone: object) -> str:
    try:
        return parse_phone(phone, region=app_settings.DEFAULT_REGION).e164
    except InvalidPhone:
        return ""
