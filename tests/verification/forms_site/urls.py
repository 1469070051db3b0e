"""One form each for FormView, CreateView, UpdateView, wizards and the admin, with nothing but the mixins."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import CreateView, FormView, UpdateView
from formtools.wizard.views import NamedUrlSessionWizardView, SessionWizardView

from django_messagecentral.verification import urls as verification_urls
from django_messagecentral.verification.fields import phone_form_field
from django_messagecentral.verification.forms import PhoneVerificationFormMixin
from django_messagecentral.verification.mixins import PhoneVerificationAdminMixin, PhoneVerificationMixin
from tests.verification.login_site.models import Member


class CallMeForm(PhoneVerificationFormMixin, forms.Form):
    phone_field = "number"
    verification_purpose = "call-me"
    number = phone_form_field()
    topic = forms.CharField()


class MemberForm(PhoneVerificationFormMixin, forms.ModelForm):
    class Meta:
        model = Member
        fields = ("username", "phone")


class CallMeView(PhoneVerificationMixin, FormView):
    form_class = CallMeForm
    template_name = "join.html"

    def form_valid(self, form: CallMeForm) -> HttpResponse:
        return HttpResponse(f"we call {form.verified_phone} about {form.cleaned_data['topic']}")


class JoinView(PhoneVerificationMixin, CreateView):
    form_class = MemberForm
    template_name = "join.html"
    success_url = "/done/"


class ProfileView(LoginRequiredMixin, PhoneVerificationMixin, UpdateView):
    form_class = MemberForm
    template_name = "join.html"
    success_url = "/done/"

    def get_object(self, queryset: Any = None) -> Any:
        return self.request.user


class NameStep(forms.Form):
    name = forms.CharField()


class PhoneStep(PhoneVerificationFormMixin, forms.Form):
    verification_purpose = "signup"
    phone = forms.CharField()


class WizardMixin(PhoneVerificationMixin):
    template_name = "wizard.html"

    def done(self, form_list: Any, form_dict: dict[str, Any], **kwargs: Any) -> HttpResponse:
        return HttpResponse(f"welcome {form_dict['phone'].verified_phone}")


class MiddleWizard(WizardMixin, SessionWizardView):
    form_list = [("name", NameStep), ("phone", PhoneStep), ("again", NameStep)]


class LastWizard(WizardMixin, SessionWizardView):
    form_list = [("name", NameStep), ("phone", PhoneStep)]


class NamedWizard(WizardMixin, NamedUrlSessionWizardView):
    form_list = [("phone", PhoneStep), ("name", NameStep)]


class MemberAdmin(PhoneVerificationAdminMixin, ModelAdmin):
    form = MemberForm
    fieldsets = [(None, {"fields": ["username"]}), ("Reached by", {"fields": [("phone", "email")]})]


def done(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


site = AdminSite()
site.register(Member, MemberAdmin)

urlpatterns = [
    path("admin/", site.urls),
    path("call-me/", CallMeView.as_view()),
    path("join/", JoinView.as_view()),
    path("profile/", ProfileView.as_view()),
    path("middle/", MiddleWizard.as_view()),
    path("last/", LastWizard.as_view()),
    path("named/<step>/", NamedWizard.as_view(url_name="named"), name="named"),
    path("done/", done),
    path("mc/", include((verification_urls.urlpatterns, "messagecentral"))),
]
