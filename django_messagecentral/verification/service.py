"""The service that every door calls, and its async twins (``astart_verification`` ...)."""

from __future__ import annotations

from asgiref.sync import sync_to_async

from django_messagecentral.verification.flows.cancel import cancel_verification
from django_messagecentral.verification.flows.check import check_verification
from django_messagecentral.verification.flows.finding import get_verification
from django_messagecentral.verification.flows.resend import resend_verification
from django_messagecentral.verification.flows.start import start_verification
from django_messagecentral.verification.guards.ledger import unlock as unlock_phone
from django_messagecentral.verification.proofs import consume_proof, read_proof

astart_verification = sync_to_async(start_verification)
acheck_verification = sync_to_async(check_verification)
aresend_verification = sync_to_async(resend_verification)
acancel_verification = sync_to_async(cancel_verification)
aget_verification = sync_to_async(get_verification)
aread_proof = sync_to_async(read_proof)
aconsume_proof = sync_to_async(consume_proof)

__all__ = [
    "acancel_verification",
    "acheck_verification",
    "aconsume_proof",
    "aget_verification",
    "aread_proof",
    "aresend_verification",
    "astart_verification",
    "cancel_verification",
    "check_verification",
    "consume_proof",
    "get_verification",
    "read_proof",
    "resend_verification",
    "start_verification",
    "unlock_phone",
]
