"""URLs of the ready pages, to be included in the namespace ``messagecentral``.

``verify`` (``?purpose=&next=``), ``verify-code``, ``verify-resend`` and ``verify-cancel`` (each with
``public_id``), ``verify-done``; ``login`` (``?next=``), ``login-code``, ``login-resend``, ``login-cancel``.
"""

from __future__ import annotations

from django.urls import path

from django_messagecentral.verification import login_views, views

urlpatterns = [
    path("verify/", views.StartView.as_view(), name="verify"),
    path("verify/done/", views.DoneView.as_view(), name="verify-done"),
    path("verify/<uuid:public_id>/", views.CodeView.as_view(), name="verify-code"),
    path("verify/<uuid:public_id>/resend/", views.ResendView.as_view(), name="verify-resend"),
    path("verify/<uuid:public_id>/cancel/", views.CancelView.as_view(), name="verify-cancel"),
    path("login/", login_views.LoginView.as_view(), name="login"),
    path("login/<uuid:public_id>/", login_views.LoginCodeView.as_view(), name="login-code"),
    path("login/<uuid:public_id>/resend/", login_views.LoginResendView.as_view(), name="login-resend"),
    path("login/<uuid:public_id>/cancel/", login_views.LoginCancelView.as_view(), name="login-cancel"),
]
