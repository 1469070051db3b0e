"""Is the code right? Asked of the vendor, or compared with this site's own keyed hash."""

from __future__ import annotations

import enum
import logging

from django_messagecentral import exceptions as errors
from django_messagecentral.backends import get_backend
from django_messagecentral.exceptions import MessageCentralError, Outcome
from django_messagecentral.verification.codes import code_matches
from django_messagecentral.verification.models import Challenge
from django_messagecentral.verification.states import ChallengeMode

logger = logging.getLogger("django_messagecentral.verification")

COMPLETED = "VERIFICATION_COMPLETED"


class Judgement(enum.Enum):
    """What one check came to."""

    RIGHT = enum.auto()
    WRONG = enum.auto()  # 702
    USED = enum.auto()  # 703: used before, never a success
    EXPIRED = enum.auto()  # 705
    GONE = enum.auto()  # 505: the vendor knows no such verification
    FAILED = enum.auto()  # 700, 800: no more codes are taken for it
    LOST = enum.auto()  # the answer was lost: the attempt is spent
    UNASKED = enum.auto()  # it surely never left: the attempt is given back


_BY_ERROR: tuple[tuple[type[MessageCentralError], Judgement], ...] = (
    (errors.WrongOtp, Judgement.WRONG),
    (errors.AlreadyVerified, Judgement.USED),
    (errors.VerificationExpired, Judgement.EXPIRED),
    (errors.InvalidVerificationId, Judgement.GONE),
    (errors.VerificationFailed, Judgement.FAILED),
    (errors.MaximumLimitReached, Judgement.FAILED),
)


def judge(challenge: Challenge, code: str) -> Judgement:
    """Ask whoever made the code. Outside any transaction: it may touch the wire."""
    if challenge.mode != ChallengeMode.VENDOR:
        right = code_matches(challenge.salt, challenge.code_hash, code)
        if right and challenge.mode == ChallengeMode.REVIEWER:
            logger.warning(
                "a reviewer's fixed code was accepted for %s (purpose %s)",
                challenge.masked_phone,
                challenge.purpose,
            )
        return Judgement.RIGHT if right else Judgement.WRONG
    try:
        answer = get_backend().validate_otp(challenge.vendor_id, code)
    except MessageCentralError as error:
        for kind, judgement in _BY_ERROR:
            if isinstance(error, kind):
                return judgement
        logger.warning("a code could not be checked: %s", error)
        return Judgement.LOST if error.outcome is Outcome.MAY_HAVE_LEFT else Judgement.UNASKED
    if answer.verification_status != COMPLETED:
        logger.error("the vendor answered success with the status %r", answer.verification_status)
        return Judgement.FAILED
    if not _same_number(answer.mobile_number, challenge.phone):
        logger.error("the vendor verified another number than the one that was asked for")
        return Judgement.FAILED
    return Judgement.RIGHT


def _same_number(answered: str | None, phone: str) -> bool:
    """The vendor names the number nationally, with the country code, masked, or not at all."""
    digits = answered or ""
    if not digits.isascii() or not digits.isdigit() or len(digits) < 6:
        return True
    return phone[1:].endswith(digits.lstrip("0")) or digits.endswith(phone[1:])
