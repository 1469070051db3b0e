"""URLs of the app: ``path("messagecentral/", include("django_messagecentral.urls"))``."""

from django.urls import path

app_name = "messagecentral"
urlpatterns: list = []
