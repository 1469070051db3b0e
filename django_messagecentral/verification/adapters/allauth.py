"""django-allauth: phones at sign-up, login and change, their codes sent past this app's guards.

::

    ACCOUNT_ADAPTER = "django_messagecentral.verification.adapters.allauth.PhoneAccountAdapter"
    ACCOUNT_LOGIN_METHODS = {"phone"}
    ACCOUNT_SIGNUP_FIELDS = ["phone*", "password1*"]

The user model has :class:`~django_messagecentral.verification.users.VerifiedPhoneMixin`. allauth makes the
code and checks it; give it digits only: ``ALLAUTH_USER_CODE_FORMAT = {"numeric": True, "length": 6}``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_messagecentral.conf import app_settings
from django_messagecentral.phones import InvalidPhone, parse_phone
from django_messagecentral.verification.adapters.foreign import (
    PURPOSE_ALLAUTH,
    CodeNotSent,
    foreign_code_entered,
    send_foreign_code,
)
from django_messagecentral.verification.codes import make_code

if TYPE_CHECKING:

    class DefaultAccountAdapter:
        """allauth's own."""

        request: HttpRequest

        def add_message(self, *args: Any, **kwargs: Any) -> None: ...

    def get_user_model() -> Any: ...

else:
    from allauth.account.adapter import DefaultAccountAdapter
    from django.contrib.auth import get_user_model

PURPOSE = PURPOSE_ALLAUTH


class PhoneField(forms.CharField):
    """A phone in any spelling; cleans to E.164."""

    def __init__(self, **kwargs: Any) -> None:
        attributes = {"type": "tel", "autocomplete": "tel", "dir": "ltr"}
        kwargs.setdefault("label", _("Phone number"))
        kwargs.setdefault("widget", forms.TextInput(attrs=attributes))
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        return e164(text) if text else ""


def e164(phone: str) -> str:
    """Raises ``ValidationError`` that says what to do."""
    try:
        return parse_phone(phone, region=app_settings.DEFAULT_REGION).e164
    except InvalidPhone as error:
        raise ValidationError(gettext(error.reason), code=error.code) from error


class PhoneAccountAdapter(DefaultAccountAdapter):
    """allauth's adapter with a phone that this app verifies."""

    def clean_phone(self, phone: str) -> str:
        return e164(phone)

    def phone_form_field(self, **kwargs: Any) -> forms.Field:
        return PhoneField(**kwargs)

    def generate_phone_verification_code(self, *, user: Any, phone: str) -> str:
        return make_code(app_settings.OTP_LENGTH)

    def send_verification_code_sms(self, user: Any, phone: str, code: str, **kwargs: Any) -> None:
        """A refusal of the guards is shown as a message; allauth's page asks for the code all the same."""
        try:
            send_foreign_code(phone, code, purpose=PURPOSE, user=user, request=self.request)
        except CodeNotSent as refused:
            self.add_message(self.request, messages.ERROR, message=str(refused))

    def set_phone(self, user: Any, phone: str, verified: bool) -> None:
        if verified:
            self.set_phone_verified(user, phone)
        else:
            user.phone = phone
            user.save(update_fields=["phone"])

    def set_phone_verified(self, user: Any, phone: str) -> None:
        user.set_verified_phone(phone)
        foreign_code_entered(phone, purpose=PURPOSE)

    def get_phone(self, user: Any) -> tuple[str, bool] | None:
        if not user.phone:
            return None
        return str(getattr(user.phone, "as_e164", user.phone)), user.phone_is_verified

    def get_user_by_phone(self, phone: str) -> Any:
        """Who has *verified* the phone: naming somebody's number opens nothing."""
        return get_user_model()._default_manager.filter(verified_phone=phone).first()
