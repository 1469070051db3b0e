from __future__ import annotations

from django.urls import include, path

from django_messagecentral.verification.adapters.simplejwt import PhoneTokenObtainPairView
from tests.verification.login_site.urls import urlpatterns as login_urls

urlpatterns = [
    *login_urls,
    path("accounts/", include("allauth.urls")),
    path("api/token/phone/", PhoneTokenObtainPairView.as_view()),
]
