"""What goes in and out of the REST door; reusable in a site's own views."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from django_messagecentral.db import database_for
from django_messagecentral.verification.flows.asking import checked_purpose
from django_messagecentral.verification.flows.check import attempts_left
from django_messagecentral.verification.guards.screen import CHANNELS
from django_messagecentral.verification.models import Verification
from django_messagecentral.verification.proofs import consume_proof, read_proof
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.rest.callers import caller_of
from django_messagecentral.verification.results import ProofResult
from django_messagecentral.verification.states import VerificationStatus


class StartSerializer(serializers.Serializer[Any]):
    """A wish for a code."""

    phone = serializers.CharField(
        max_length=64,
        help_text=_("In any spelling; with the country code unless the site has a home country."),
    )
    channel = serializers.ChoiceField(choices=CHANNELS, required=False)
    purpose = serializers.RegexField(
        r"^[a-z0-9][a-z0-9_.:-]{0,39}$", max_length=40, required=False, help_text=_("What the phone is for.")
    )

    def validate_purpose(self, value: str) -> str:
        return checked_purpose(value)


class VerificationSerializer(serializers.ModelSerializer[Verification]):
    """A verification as its owner may see it: the phone masked, times in UTC."""

    id = serializers.UUIDField(source="public_id", read_only=True)
    phone = serializers.CharField(source="masked_phone", read_only=True)
    channel = serializers.CharField(read_only=True)
    code_length = serializers.IntegerField(read_only=True)
    expires_at = serializers.DateTimeField(read_only=True, allow_null=True)
    attempts_left = serializers.SerializerMethodField()
    reason = serializers.CharField(read_only=True, help_text=_("Why it is no longer pending; may be empty."))
    status = serializers.ChoiceField(choices=VerificationStatus.choices, read_only=True)

    class Meta:
        model = Verification
        fields: tuple[str, ...] = (
            "id",
            "phone",
            "purpose",
            "channel",
            "status",
            "reason",
            "code_length",
            "attempts_left",
            "expires_at",
            "resend_at",
        )
        read_only_fields = fields

    def get_attempts_left(self, verification: Verification) -> int:
        return attempts_left(verification)


class StartedSerializer(VerificationSerializer):
    """As above, and for a client without cookies the only key to it."""

    verification_token = serializers.CharField(
        read_only=True,
        required=False,
        help_text=_("Only for clients without cookies: send it as X-Verification-Token from now on."),
    )

    class Meta(VerificationSerializer.Meta):
        fields: tuple[str, ...] = (*VerificationSerializer.Meta.fields, "verification_token")
        read_only_fields = fields


class CheckSerializer(serializers.Serializer[Any]):
    """A code as it was typed or pasted."""

    code = serializers.CharField(max_length=64)


class CheckedSerializer(serializers.Serializer[Any]):
    """The one answer that carries the proof."""

    status = serializers.CharField(read_only=True, help_text=_("Always verified."))
    proof = serializers.CharField(
        read_only=True, help_text=_("Signed, for this phone, purpose and caller; short-lived; taken once.")
    )


class ResendSerializer(serializers.Serializer[Any]):
    """Another code, perhaps by another channel."""

    channel = serializers.ChoiceField(choices=CHANNELS, required=False)


class EmptySerializer(serializers.Serializer[Any]):
    """No body."""


@extend_schema_serializer(component_name="MessageCentralProblem")
class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457."""

    type = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text=_("Stable; programs look at this."))
    detail = serializers.CharField(help_text=_("For a person, in the request's language."))
    retry_after = serializers.IntegerField(required=False, help_text=_("Seconds; as in Retry-After."))
    attempts_left = serializers.IntegerField(required=False)
    invalid_fields = serializers.DictField(
        required=False, help_text=_("Per field, when the request was not valid.")
    )


class PhoneProofMixin(serializers.Serializer[Any]):
    """For a site's own serializer: takes ``phone_proof`` and knows the number that was verified.

    ::

        class SignupSerializer(PhoneProofMixin, serializers.ModelSerializer):
            proof_purpose = "signup"
            verified_phone_field = "phone"      # filled in; never read from the request

    The proof is looked at in validation and used up in :meth:`save`, in one transaction with the work.
    Needs ``request`` in the serializer's context.
    """

    proof_purpose = "default"
    verified_phone_field = "phone"

    phone_proof = serializers.CharField(write_only=True, max_length=2000)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        self._proof = attrs.pop("phone_proof")
        result = read_proof(self._proof, purpose=self.proof_purpose, **caller_of(self.context["request"]))
        if result.ok and not result.phone:  # a code that came by e-mail proves no phone
            result = ProofResult(ok=False, reason=Reason.PROOF_INVALID)
        if not result.ok:
            raise serializers.ValidationError({"phone_proof": [result.message]}, code=result.reason.value)
        attrs[self.verified_phone_field] = result.phone
        return attrs

    def save(self, **kwargs: Any) -> Any:
        with transaction.atomic(using=database_for(Verification)):
            who = caller_of(self.context["request"])
            result = consume_proof(self._proof, purpose=self.proof_purpose, **who)
            if not result.ok:
                raise serializers.ValidationError({"phone_proof": [result.message]}, code=result.reason.value)
            return super().save(**kwargs)
