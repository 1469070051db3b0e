"""The example site's own API: a sign-up for apps, which takes the proof of a verified phone."""

import secrets
from typing import Any

from rest_framework import generics, permissions, serializers

from django_messagecentral.verification.rest.serializers import PhoneProofMixin
from django_messagecentral.verification.users import PhoneTaken
from example.models import Member


class MemberSerializer(PhoneProofMixin, serializers.ModelSerializer):
    """``{first_name, phone_proof}``: the phone is the one that was verified, whatever the request says."""

    proof_purpose = "signup"

    class Meta:
        model = Member
        fields = ["first_name", "phone", "phone_proof"]
        read_only_fields = ["phone"]

    def create(self, validated_data: dict[str, Any]) -> Member:
        member = Member(
            username=f"member-{secrets.token_hex(6)}", first_name=validated_data.get("first_name", "")
        )
        member.set_unusable_password()
        try:
            member.set_verified_phone(validated_data["phone"])
        except PhoneTaken:
            raise serializers.ValidationError({"phone": ["There is an account with this number."]}) from None
        return member


class MemberView(generics.CreateAPIView):
    """Sign up with a phone that was verified for the purpose ``signup``."""

    serializer_class = MemberSerializer
    permission_classes = [permissions.AllowAny]
