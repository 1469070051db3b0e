from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView

from example import api, views

urlpatterns = [
    path(
        "",
        TemplateView.as_view(
            template_name="example/home.html", extra_context={"sandbox": settings.SANDBOX_URL}
        ),
        name="home",
    ),
    path("signup/", views.SignupView.as_view(), name="signup"),
    path("welcome/", views.WelcomeView.as_view(), name="welcome"),
    path("wallet/", views.wallet, name="wallet"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("admin/", admin.site.urls),
    path("messagecentral/", include("django_messagecentral.urls")),
    path("api/messagecentral/", include("django_messagecentral.verification.rest.urls")),
    path("api/messagecentral/", include("django_messagecentral.rest.urls")),
    path("api/members/", api.MemberView.as_view(), name="api-members"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
]
