"""The service that every door calls, and its async twins.

Each function has two names: ``start_verification`` where it is imported, ``service.start`` behind the
module's own name; their twins are ``astart_verification`` and ``service.astart``.
"""

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

start, check, resend, cancel, get = (
    start_verification,
    check_verification,
    resend_verification,
    cancel_verification,
    get_verification,
)
astart, acheck, aresend, acancel, aget = (
    astart_verification,
    acheck_verification,
    aresend_verification,
    acancel_verification,
    aget_verification,
)

__all__ = [
    "acancel",
    "acancel_verification",
    "acheck",
    "acheck_verification",
    "aconsume_proof",
    "aget",
    "aget_verification",
    "aread_proof",
    "aresend",
    "aresend_verification",
    "astart",
    "astart_verification",
    "cancel",
    "cancel_verification",
    "check",
    "check_verification",
    "consume_proof",
    "get",
    "get_verification",
    "read_proof",
    "resend",
    "resend_verification",
    "start",
    "start_verification",
    "unlock_phone",
]
