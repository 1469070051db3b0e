"""A device for django-otp: add ``django_messagecentral.verification.adapters.otp`` to INSTALLED_APPS."""
