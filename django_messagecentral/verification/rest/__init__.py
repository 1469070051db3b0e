"""The REST door: ``path("api/messagecentral/", include("django_messagecentral.verification.rest.urls"))``."""
