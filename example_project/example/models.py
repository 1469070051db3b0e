"""The example site's users: people with a phone of their own."""

from django.contrib.auth.models import AbstractUser

from django_messagecentral.verification.users import VerifiedPhoneMixin


class Member(VerifiedPhoneMixin, AbstractUser):
    """A user who logs in by phone; operators have a password as well."""
