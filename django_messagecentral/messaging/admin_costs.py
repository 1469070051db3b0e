"""Rates, budgets and spending in the admin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_messagecentral.admin_base import ReadOnlyAdmin
from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.budgets import standing
from django_messagecentral.messaging.models import Budget, Rate, Spend
from django_messagecentral.messaging.rates_import import RateSheet, UnusableRates, read_rates, store


class RateSheetForm(forms.Form):
    file = forms.FileField(label=_("rate table (.xlsx)"))
    replace = forms.BooleanField(label=_("forget the rates that are there"), required=False)


@admin.register(Rate)
class RateAdmin(admin.ModelAdmin):
    list_display = (
        "__str__",
        "country",
        "channel",
        "message_type",
        "price",
        "currency",
        "from_segments",
        "valid_from",
        "valid_until",
    )
    list_filter = ("channel", "message_type", "country")
    change_list_template = "django_messagecentral/messaging/rates_list.html"

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.import_page)
        return [path("import/", page, name="messagecentral_rate_import"), *super().get_urls()]

    def import_page(self, request: HttpRequest) -> HttpResponse:
        """All of the sheet, or nothing and every mistake by its row."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RateSheetForm(request.POST or None, request.FILES or None)
        sheet = RateSheet()
        if request.method == "POST" and form.is_valid():
            replace = form.cleaned_data["replace"]
            if replace and not self.has_delete_permission(request):
                raise PermissionDenied
            try:
                sheet = read_rates(form.cleaned_data["file"])
            except UnusableRates as error:
                form.add_error("file", str(error))
            else:
                if not sheet.errors:
                    count = store(sheet, replace=replace)
                    text = ngettext("%(n)d rate stored.", "%(n)d rates stored.", count) % {"n": count}
                    self.message_user(request, text, messages.SUCCESS)
                    return HttpResponseRedirect(reverse("admin:messagecentral_rate_changelist"))
        context = {"title": _("Import rates"), "opts": self.opts, "form": form, "errors": sheet.errors[:200]}
        return TemplateResponse(
            request,
            "django_messagecentral/messaging/rates_import.html",
            {**self.admin_site.each_context(request), **context},
        )


@admin.register(Budget)
class BudgetAdmin(admin.ModelAdmin):
    list_display = ("name", "period", "campaign", "message_type", "amount", "spent_shown", "stops")
    list_select_related = ("campaign",)
    raw_id_fields = ("campaign",)

    @admin.display(description=_("spent"))
    def spent_shown(self, obj: Budget) -> str:
        now = standing(obj)
        share = round(100 * now.spent / obj.amount)
        return f"{now.spent.normalize():f} {app_settings.CURRENCY} ({share} %)"


@admin.register(Spend)
class SpendAdmin(ReadOnlyAdmin):
    list_display = (
        "day",
        "campaign_id",
        "purpose",
        "channel",
        "message_type",
        "country",
        "messages",
        "segments",
        "cost_shown",
    )
    list_filter = ("day", "channel", "message_type", "country")
    date_hierarchy = "day"
    ordering = ("-day", "pk")

    @admin.display(description=_("cost"), ordering="cost_micros")
    def cost_shown(self, obj: Spend) -> str:
        return f"{(Decimal(obj.cost_micros) / 1_000_000).normalize():f} {app_settings.CURRENCY}"
