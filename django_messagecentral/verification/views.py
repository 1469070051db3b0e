"""The ready pages: which phone, which code, done, locked. They only speak HTTP; the service decides."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.generic import FormView, TemplateView

from django_messagecentral.phones import mask_phone
from django_messagecentral.verification import service
from django_messagecentral.verification.flows.asking import checked_purpose
from django_messagecentral.verification.forms import CodeForm, StartForm
from django_messagecentral.verification.gates import required_phone, safe_next
from django_messagecentral.verification.models import Verification
from django_messagecentral.verification.reasons import Reason
from django_messagecentral.verification.results import Result
from django_messagecentral.verification.states import VerificationStatus
from django_messagecentral.verification.transactions import NonAtomicRequests

if TYPE_CHECKING:
    _StartPage = FormView[StartForm]
    _CodePage = FormView[CodeForm]
else:
    _StartPage = _CodePage = FormView

_NEXT = "_messagecentral_next"
OVER = (Reason.TOO_MANY_ATTEMPTS, Reason.CHECK_FAILED, Reason.PHONE_LOCKED)


def page(view: type[Any]) -> type[Any]:
    """Never cached, always with the CSRF token."""
    for decorator in (never_cache, csrf_protect):
        view = method_decorator(decorator, name="dispatch")(view)
    return view


def remember_next(request: HttpRequest, purpose: str, url: str) -> None:
    """Where to go after the verification of ``purpose``; only a path of this site is kept."""
    kept: dict[str, str] = dict(request.session.get(_NEXT, {}))
    kept.pop(purpose, None)
    if where := safe_next(request, url):
        kept[purpose] = where
    request.session[_NEXT] = kept


def take_next(request: HttpRequest, purpose: str) -> str:
    """The kept path of this site, taken out; empty when there is none."""
    kept: dict[str, str] = dict(request.session.get(_NEXT, {}))
    where = safe_next(request, kept.pop(purpose, ""))
    request.session[_NEXT] = kept
    return where


def locked_page(request: HttpRequest, result: Result, *, again: str = "") -> HttpResponse:
    """Nothing more can be tried for now: why, and until when."""
    context = {"result": result, "again": again or reverse("messagecentral:verify")}
    response = render(request, "django_messagecentral/verification/locked.html", context, status=429)
    if result.retry_after is not None:
        response["Retry-After"] = str(result.retry_after)
    return response


@page
class StartView(NonAtomicRequests, _StartPage):
    """Which phone. ``?purpose=`` says what for, ``?next=`` where to go afterwards."""

    template_name = "django_messagecentral/verification/start.html"
    form_class = StartForm
    default_purpose = "default"

    def get_purpose(self) -> str:
        try:
            return checked_purpose(self.request.GET.get("purpose") or self.default_purpose)
        except ValueError as error:
            raise Http404(str(error)) from error

    def get_form(self, form_class: Any = None) -> StartForm:
        form = super().get_form(form_class)
        if required_phone(self.request, self.get_purpose()):
            del form.fields["phone"]  # a gate named the number; it is not the visitor's to choose
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        phone = required_phone(self.request, self.get_purpose())
        return super().get_context_data(**kwargs) | {"required_phone": mask_phone(phone) if phone else ""}

    def form_valid(self, form: StartForm) -> HttpResponse:
        purpose = self.get_purpose()
        phone = required_phone(self.request, purpose) or form.cleaned_data["phone"].as_e164
        result = service.start_verification(phone, purpose=purpose, request=self.request)
        if result.verification is not None and result.ok:
            remember_next(self.request, purpose, self.request.GET.get("next", ""))
            return HttpResponseRedirect(
                reverse("messagecentral:verify-code", kwargs={"public_id": result.verification.public_id})
            )
        if result.reason in OVER:
            return locked_page(self.request, result)
        field = "phone" if "phone" in form.fields else None
        form.add_error(field, forms.ValidationError(result.message, code=result.reason))
        return self.form_invalid(form)


class OwnVerificationMixin(NonAtomicRequests, View):
    """Finds the visitor's own verification; anybody else's is a 404."""

    verification: Verification
    purpose = ""  # any

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.public_id: uuid.UUID = kwargs["public_id"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        found = service.get_verification(self.public_id, request=request)
        if found is None or (self.purpose and found.purpose != self.purpose):
            raise Http404("no such verification")
        self.verification = found
        return super().dispatch(request, *args, **kwargs)

    def code_page(self) -> HttpResponseRedirect:
        return HttpResponseRedirect(
            reverse("messagecentral:verify-code", kwargs={"public_id": self.public_id})
        )

    def start_page(self) -> str:
        where = {"purpose": self.verification.purpose}
        if next_url := self.request.session.get(_NEXT, {}).get(self.verification.purpose):
            where["next"] = next_url
        return f"{reverse('messagecentral:verify')}?{urlencode(where)}"


@page
class CodeView(OwnVerificationMixin, _CodePage):
    """Enter the code."""

    template_name = "django_messagecentral/verification/code.html"
    form_class = CodeForm

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.verification.status == VerificationStatus.VERIFIED:
            return self.done()
        if self.verification.status in (VerificationStatus.FAILED, VerificationStatus.CANCELLED):
            return HttpResponseRedirect(self.start_page())
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        notice = self.request.session.pop("_messagecentral_notice", "")
        more = {"verification": self.verification, "start_page": self.start_page(), "notice": notice}
        return super().get_context_data(**kwargs) | more

    def form_valid(self, form: CodeForm) -> HttpResponse:
        result = service.check_verification(
            self.verification, form.cleaned_data["code"], request=self.request
        )
        if result.ok or result.reason == Reason.ALREADY_VERIFIED:
            return self.done()
        if result.reason in OVER:
            return locked_page(self.request, result)
        self.verification.refresh_from_db()
        form.add_error("code", forms.ValidationError(result.message, code=result.reason))
        return self.form_invalid(form)

    def done(self) -> HttpResponse:
        """On to where the visitor came from, else the page that says so."""
        where = take_next(self.request, self.verification.purpose)
        return HttpResponseRedirect(where or reverse("messagecentral:verify-done"))


@page
class ResendView(OwnVerificationMixin):
    """Another code, then back to its page with what came of it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        result = service.resend_verification(self.verification, request=request)
        if result.reason in OVER:
            return locked_page(request, result)
        request.session["_messagecentral_notice"] = result.message
        return self.code_page()


@page
class CancelView(OwnVerificationMixin):
    """Another number, or none."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        service.cancel_verification(self.verification, request=request)
        return HttpResponseRedirect(self.start_page())


class DoneView(TemplateView):
    """The phone is verified."""

    template_name = "django_messagecentral/verification/done.html"
