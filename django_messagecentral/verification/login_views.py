"""The pages of a login by phone. Nothing in them tells whether a number is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.auth import login
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.generic import FormView

from django_messagecentral.verification.auth import PhoneLoginBackend
from django_messagecentral.verification.forms import CodeForm, StartForm
from django_messagecentral.verification.gates import safe_next
from django_messagecentral.verification.login import PURPOSE, check_login, resend_login, start_login
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.transactions import NonAtomicRequests
from django_messagecentral.verification.views import (
    OVER,
    CancelView,
    OwnVerificationMixin,
    locked_page,
    page,
    remember_next,
    take_next,
)

if TYPE_CHECKING:
    _StartPage = FormView[StartForm]
    _CodePage = FormView[CodeForm]
else:
    _StartPage = _CodePage = FormView

BACKEND = f"{PhoneLoginBackend.__module__}.{PhoneLoginBackend.__qualname__}"


@page
class LoginView(NonAtomicRequests, _StartPage):
    """Which phone."""

    template_name = "django_messagecentral/verification/login.html"
    form_class = StartForm

    def form_valid(self, form: StartForm) -> HttpResponse:
        result = start_login(form.cleaned_data["phone"].as_e164, request=self.request)
        if result.ok and result.verification is not None:
            remember_next(self.request, PURPOSE, self.request.GET.get("next", ""))
            where = {"public_id": result.verification.public_id}
            return HttpResponseRedirect(reverse("messagecentral:login-code", kwargs=where))
        if result.reason in OVER:
            return locked_page(self.request, result)
        form.add_error("phone", forms.ValidationError(result.message, code=result.reason))
        return self.form_invalid(form)


class LoginStepMixin(OwnVerificationMixin):
    """One of the visitor's own logins."""

    purpose = PURPOSE

    def code_page(self) -> HttpResponseRedirect:
        return HttpResponseRedirect(
            reverse("messagecentral:login-code", kwargs={"public_id": self.public_id})
        )

    def start_page(self) -> str:
        return reverse("messagecentral:login")


@page
class LoginCodeView(LoginStepMixin, _CodePage):
    """Enter the code, and be logged in."""

    template_name = "django_messagecentral/verification/login_code.html"
    form_class = CodeForm

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        notice = self.request.session.pop("_messagecentral_notice", "")
        more = {"verification": self.verification, "start_page": self.start_page(), "notice": notice}
        return super().get_context_data(**kwargs) | more

    def form_valid(self, form: CodeForm) -> HttpResponse:
        result = check_login(self.verification, form.cleaned_data["code"], request=self.request)
        if result.user is not None:
            where = take_next(self.request, PURPOSE)
            login(self.request, result.user, backend=BACKEND)
            return HttpResponseRedirect(
                safe_next(self.request, where) or reverse("messagecentral:verify-done")
            )
        if result.check.reason in OVER:
            return locked_page(self.request, result.check, again=self.start_page())
        self.verification.refresh_from_db()
        form.add_error("code", forms.ValidationError(result.check.message, code=result.check.reason))
        return self.form_invalid(form)


@page
class LoginResendView(LoginStepMixin):
    """Another code, then back to its page."""

    http_method_names = ["post"]

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        result = resend_login(self.verification, request=self.request)
        if result.reason == Reason.PHONE_LOCKED:
            return locked_page(self.request, result, again=self.start_page())
        self.request.session["_messagecentral_notice"] = result.message
        return self.code_page()


@page
class LoginCancelView(LoginStepMixin, CancelView):
    """Another number."""
