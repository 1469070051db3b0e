"""The admin's forms for campaigns."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_messagecentral.campaigns import service
from django_messagecentral.campaigns.models import Campaign
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.routing.policies import NO_CHANNELS, may_be


class CampaignForm(forms.ModelForm):
    """Name, text and, while the campaign takes them, a spreadsheet of recipients."""

    file = forms.FileField(
        label=_("Recipients"),
        required=False,
        help_text=_(
            "An Excel workbook (.xlsx) or a .csv whose first row names the columns: "
            "Country, Mobile, var1, var2, …"
        ),
        widget=forms.FileInput(attrs={"accept": ".xlsx,.csv"}),
    )

    class Meta:
        model = Campaign
        fields = (
            "name",
            "text",
            "channel",
            "message_type",
            "sender_id",
            "template_id",
            "entity_id",
            "mode",
            "routing",
            "pace",
            "ends_at",
        )
        widgets = {"text": forms.Textarea(attrs={"rows": 4, "cols": 80})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            for name, value in (
                ("channel", app_settings.CHANNEL),
                ("message_type", app_settings.MESSAGE_TYPE),
                ("sender_id", app_settings.SENDER_ID),
                ("template_id", app_settings.TEMPLATE_ID),
                ("entity_id", app_settings.ENTITY_ID),
            ):
                if name in self.fields:
                    self.fields[name].initial = value

    def clean_pace(self) -> float | None:
        pace: float | None = self.cleaned_data["pace"]
        if pace is not None and pace <= 0:
            raise forms.ValidationError(_("Give more than 0 messages a second, or leave it empty."))
        return pace

    def clean_routing(self) -> str:
        routing: str = self.cleaned_data["routing"]
        if not may_be(routing):
            raise forms.ValidationError(NO_CHANNELS)
        return routing

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        template, entity = (
            data.get(name, getattr(self.instance, name)) for name in ("template_id", "entity_id")
        )
        if bool(template) != bool(entity):
            raise forms.ValidationError(_("Template ID and entity ID go together: give both or neither."))
        text = data.get("text", self.instance.text)
        if text and not self.instance._state.adding and "text" in self.changed_data:
            try:
                service.check_text(self.instance, text)
            except service.CampaignError as error:
                self.add_error("text", str(error))
        if data.get("file") and text:
            try:
                service.check_upload(Campaign(text=text), data["file"])
            except UnusableSheet as error:
                self.add_error("file", str(error))
        return data


class LaunchForm(forms.Form):
    """When to start: at once, or later."""

    at = forms.SplitDateTimeField(
        label=_("Start"),
        required=False,
        widget=AdminSplitDateTime,
        help_text=_("Leave empty to start now."),
    )

    def clean_at(self) -> Any:
        at = self.cleaned_data["at"]
        if at is not None and at <= timezone.now():
            raise forms.ValidationError(
                _("This moment has passed. Choose a later one, or leave it empty to start now.")
            )
        return at
