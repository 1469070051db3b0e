"""URLs of the sandbox in a project: ``path("sandbox/", include("django_messagecentral.sandbox.urls"))``.

The base URL for clients is then ``http://127.0.0.1:8000/sandbox``.
"""

from __future__ import annotations

from django.urls import re_path

from .views import sandbox_view

app_name = "messagecentral_sandbox"
urlpatterns = [re_path(r"^(?P<path>.*)$", sandbox_view, name="sandbox")]
