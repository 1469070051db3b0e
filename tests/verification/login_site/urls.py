from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from django_messagecentral.verification import urls as verification_urls


def me(request: HttpRequest) -> HttpResponse:
    return HttpResponse(request.user.get_username())


urlpatterns = [
    path("mc/", include((verification_urls.urlpatterns, "messagecentral"))),
    path("api/messagecentral/", include("django_messagecentral.verification.rest.urls")),
    path("me/", me),
]
