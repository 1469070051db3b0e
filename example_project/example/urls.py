from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path(
        "",
        TemplateView.as_view(
            template_name="example/home.html", extra_context={"sandbox": settings.SANDBOX_URL}
        ),
    ),
    path("admin/", admin.site.urls),
    path("messagecentral/", include("django_messagecentral.urls")),
]
