"""Form fields: a phone with a country picker, and a code that phones fill in by themselves."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField, SplitPhoneNumberField

from django_messagecentral.conf import app_settings
from django_messagecentral.verification.codes import normalise_code
from django_messagecentral.verification.reasons import Reason


class CodeInput(forms.TextInput):
    """Digits, offered by the phone's keyboard from the text message.

    No ``pattern`` and no tight ``maxlength``: "123-456" is pasted, and read as 123456. With ``untouched``
    nothing was typed yet, so the field is not marked as wrong, though its form is not valid either.
    """

    untouched = False

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        usual = {
            "autocomplete": "one-time-code",
            "inputmode": "numeric",
            "dir": "ltr",
            "maxlength": "40",
            "spellcheck": "false",
        }
        super().__init__(usual | (attrs or {}))

    def build_attrs(
        self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        attrs = super().build_attrs(base_attrs, extra_attrs)
        if self.untouched:
            attrs.pop("aria-invalid", None)
        return attrs


class CodeField(forms.CharField):
    """Cleans to the digits of the code."""

    widget = CodeInput

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", _("Code"))
        kwargs.setdefault("max_length", 64)
        super().__init__(**kwargs)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if not text:
            return ""
        digits = normalise_code(text)
        if not digits:
            raise forms.ValidationError(Reason.MALFORMED_CODE.label, code=Reason.MALFORMED_CODE)
        return digits


class _SplitPhone(SplitPhoneNumberField):  # type: ignore[misc]
    def number_field(self) -> forms.Field:
        field: forms.Field = super().number_field()
        field.widget.attrs.update({"autocomplete": "tel-national", "dir": "ltr"})
        return field


def phone_form_field(**kwargs: Any) -> forms.Field:
    """A phone: with a picker of countries where Babel is installed (it knows their names), else one field."""
    kwargs = {"label": _("Phone number")} | kwargs
    region = app_settings.DEFAULT_REGION or None
    if find_spec("babel") is not None:
        split: forms.Field = _SplitPhone(region=region, **kwargs)
        labels = (_("Country"), _("Phone number"))
        for widget, label in zip(split.widget.widgets, labels, strict=True):
            widget.attrs["aria-label"] = label
        return split
    field: forms.Field = PhoneNumberField(region=region, **kwargs)
    field.widget.attrs.update({"autocomplete": "tel", "dir": "ltr"})
    return field


def settle_home_region(field: forms.Field) -> None:
    """Let django-phonenumber-field's own field, as a model form makes it, take national numbers of
    DEFAULT_REGION too, and be filled in by the browser."""
    if not isinstance(field, PhoneNumberField):
        return
    field.widget.attrs = {"autocomplete": "tel", "dir": "ltr", **field.widget.attrs}
    if not field.region and app_settings.DEFAULT_REGION:
        field.region = app_settings.DEFAULT_REGION
        if hasattr(field.widget, "region"):
            field.widget.region = field.region
