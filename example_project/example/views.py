"""The example site's own pages: a sign-up whose phone is verified, and a page behind a verified phone."""

import secrets

from django import forms
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.views.generic import CreateView, TemplateView

from django_messagecentral.verification.decorators import phone_verification_required
from django_messagecentral.verification.fields import phone_form_field
from django_messagecentral.verification.forms import PhoneVerificationFormMixin
from django_messagecentral.verification.mixins import PhoneVerificationMixin
from example.models import Member

BY_PHONE = "django_messagecentral.verification.auth.PhoneLoginBackend"


class SignupForm(PhoneVerificationFormMixin, forms.ModelForm):
    """Any form becomes one with a verified phone by the mixin and the name of its field."""

    field_order = ["first_name", "phone", "verification_code"]
    phone_field = "phone"
    verification_purpose = "signup"

    first_name = forms.CharField(
        label="Name", max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    phone = phone_form_field()

    class Meta:
        model = Member
        fields = ["first_name", "phone"]

    def save(self, commit: bool = True) -> Member:
        self.instance.username = f"member-{secrets.token_hex(6)}"
        self.instance.set_unusable_password()
        return super().save(commit)


class SignupView(PhoneVerificationMixin, CreateView):
    template_name = "example/signup.html"
    form_class = SignupForm
    success_url = reverse_lazy("welcome")

    def form_valid(self, form: SignupForm) -> HttpResponse:
        response = super().form_valid(form)
        login(self.request, self.object, backend=BY_PHONE)
        return response


class WelcomeView(TemplateView):
    template_name = "example/welcome.html"


def own_phone(request: HttpRequest) -> str:
    """The one number that opens a member's wallet; a visitor without an account may take any."""
    return getattr(request.user, "verified_phone", None) or ""


@phone_verification_required(purpose="payment", max_age=600, phone=own_phone)
def wallet(request: HttpRequest) -> HttpResponse:
    """Only for who verified a phone in the last ten minutes; anyone else is led there and back."""
    return render(request, "example/wallet.html", {"order": request.GET.get("order", "")})
