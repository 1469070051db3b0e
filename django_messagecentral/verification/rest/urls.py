"""URLs of the REST door, in the namespace ``messagecentral-api``.

``verification-list`` (POST), ``verification-detail``, ``verification-check``, ``verification-resend``,
``verification-cancel``; each but the first takes ``id``.
"""

from __future__ import annotations

from rest_framework.routers import SimpleRouter

from django_messagecentral.verification.rest.views import VerificationViewSet

app_name = "messagecentral-api"

router = SimpleRouter()
router.register("verifications", VerificationViewSet, basename="verification")
urlpatterns = router.urls
