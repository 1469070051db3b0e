"""A user with a phone."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser

from django_messagecentral.verification.users import VerifiedPhoneMixin


class Member(VerifiedPhoneMixin, AbstractUser):
    class Meta(AbstractUser.Meta):
        app_label = "login_site"
