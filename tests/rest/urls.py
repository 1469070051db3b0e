from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

urlpatterns = [
    path("messagecentral/", include("django_messagecentral.urls")),
    path("api/", include("django_messagecentral.rest.urls")),
    path("schema/", SpectacularAPIView.as_view(), name="schema"),
]
