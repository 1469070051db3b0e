"""The doors of the room, as a site mounts them."""

from __future__ import annotations

from django import forms
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views import View
from django.views.generic import CreateView
from drf_spectacular.views import SpectacularAPIView
from formtools.wizard.views import SessionWizardView
from rest_framework import serializers, status
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_messagecentral.verification import urls as verification_urls
from django_messagecentral.verification.decorators import phone_verification_required
from django_messagecentral.verification.forms import PhoneVerificationFormMixin
from django_messagecentral.verification.mixins import (
    PhoneVerificationAdminMixin,
    PhoneVerificationMixin,
    PhoneVerificationRequiredMixin,
)
from django_messagecentral.verification.rest.permissions import PhoneVerified
from django_messagecentral.verification.rest.serializers import PhoneProofMixin


class SignupSerializer(PhoneProofMixin):
    proof_purpose = "signup"
    name = serializers.CharField()

    def create(self, validated_data: dict[str, str]) -> dict[str, str]:
        return validated_data

    def to_representation(self, instance: dict[str, str]) -> dict[str, str]:
        return instance


@api_view(["POST"])
def sign_up(request: Request) -> Response:
    serializer = SignupSerializer(data=request.data, context={"request": request})
    serializer.is_valid(raise_exception=True)
    serializer.save()
    return Response(serializer.data, status=status.HTTP_201_CREATED)


class MemberForm(PhoneVerificationFormMixin, forms.ModelForm):
    """A site's own sign-up: the user's last name holds the phone, for want of a better field."""

    phone_field = "last_name"
    verification_purpose = "signup"

    class Meta:
        model = User
        fields = ("username", "last_name")


class NameStep(forms.Form):
    name = forms.CharField()


class PhoneStep(PhoneVerificationFormMixin, forms.Form):
    verification_purpose = "signup"
    consume_on_clean = False
    phone = forms.CharField()


class Wizard(PhoneVerificationMixin, SessionWizardView):
    form_list = [("name", NameStep), ("phone", PhoneStep), ("again", NameStep)]
    template_name = "wizard.html"

    def done(self, form_list: object, form_dict: dict[str, PhoneStep], **kwargs: object) -> HttpResponse:
        if not form_dict["phone"].consume_verification():
            return HttpResponse("used", status=409)
        return HttpResponse(f"welcome {form_dict['phone'].verified_phone}")


class JoinView(PhoneVerificationMixin, CreateView):
    form_class = MemberForm
    template_name = "join.html"
    success_url = "/welcome/"


@phone_verification_required(purpose="payment", max_age=600)
def pay(request: HttpRequest) -> HttpResponse:
    return HttpResponse("paid")


@phone_verification_required(purpose="payment", max_age=600, phone=lambda request: request.user.last_name)
def pay_by_own_phone(request: HttpRequest) -> HttpResponse:
    return HttpResponse("paid")


@phone_verification_required(purpose="payment", max_age=600)
async def pay_async(request: HttpRequest) -> HttpResponse:
    return HttpResponse("paid")


class PayView(PhoneVerificationRequiredMixin, View):
    verification_purpose = "payment"
    verification_max_age = 600

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("paid")


class PayApi(APIView):
    permission_classes = [PhoneVerified]
    verification_purpose = "payment"
    verification_max_age = 600

    def get(self, request: Request) -> Response:
        return Response({"paid": True})


class MemberAdmin(PhoneVerificationAdminMixin, ModelAdmin):
    form = MemberForm
    fields = ("username", "last_name", "verification_code", "verification_id", "verification_proof")


site = AdminSite()
site.register(User, MemberAdmin)

urlpatterns = [
    path("admin/", site.urls),
    path("join/", JoinView.as_view()),
    path("wizard/", Wizard.as_view()),
    path("welcome/", lambda request: HttpResponse("welcome")),
    path("pay/", pay),
    path("pay-by-own-phone/", pay_by_own_phone),
    path("pay-async/", pay_async),
    path("pay-view/", PayView.as_view()),
    path("api/pay/", PayApi.as_view()),
    path("mc/", include((verification_urls.urlpatterns, "messagecentral"))),
    path("api/messagecentral/", include("django_messagecentral.verification.rest.urls")),
    path("api/sign-up/", sign_up),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
]
