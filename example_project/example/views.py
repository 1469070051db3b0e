"""The example site's own pages: a sign-up whose phone is verified, and a page behind a verified phone."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.views.generic import FormView, TemplateView

from django_messagecentral.verification.decorators import phone_verification_required
from django_messagecentral.verification.fields import phone_form_field
from django_messagecentral.verification.forms import PhoneVerificationFormMixin
from django_messagecentral.verification.mixins import PhoneVerificationMixin


class SignupForm(PhoneVerificationFormMixin, forms.Form):
    """Any form becomes one with a verified phone by the mixin and the name of its field."""

    field_order = ["name", "phone", "verification_code"]
    phone_field = "phone"
    verification_purpose = "signup"

    name = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    phone = phone_form_field()


class SignupView(PhoneVerificationMixin, FormView):
    template_name = "example/signup.html"
    form_class = SignupForm
    success_url = reverse_lazy("welcome")


class WelcomeView(TemplateView):
    template_name = "example/welcome.html"


@phone_verification_required(purpose="payment", max_age=600)
def wallet(request: HttpRequest) -> HttpResponse:
    """Only for who verified a phone in the last ten minutes; anyone else is led there and back."""
    return render(request, "example/wallet.html")
