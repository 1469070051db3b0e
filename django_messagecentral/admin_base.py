"""What the rooms' admin classes share: rows a person may look at and not change, and masked numbers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_messagecentral.phones import mask_phone

SEE_NUMBERS = "messagecentral.view_phone_numbers"


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows written by the app alone."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False


class InternalAdmin(ReadOnlyAdmin):
    """The engine's own rows: there for who knows the address, and not in an operator's way."""

    def get_model_perms(self, request: HttpRequest) -> dict[str, bool]:
        return {}


class MaskedPhoneMixin:
    """Shows ``phone_shown`` in place of ``phone``: in full only to those with the permission."""

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        queryset: models.QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        annotated: models.QuerySet[Any] = queryset.annotate(
            _in_full=models.Value(request.user.has_perm(SEE_NUMBERS))
        )
        return annotated

    @admin.display(description=_("phone"), ordering="phone")
    def phone_shown(self, obj: Any) -> str:
        phone: str = obj.phone
        return phone if getattr(obj, "_in_full", False) else mask_phone(phone)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """So does ``?phone__startswith=`` in the address: it tells a number digit by digit."""
        hidden = lookup.partition("__")[0] in {"phone", "payload", "variables", "cells", "text"}
        if hidden and (request is None or not request.user.has_perm(SEE_NUMBERS)):
            return False
        return bool(super().lookup_allowed(lookup, value, request))  # type: ignore[misc]

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Searching by number tells whether it is there, so it needs the permission too."""
        fields: list[str] = list(super().get_search_fields(request))  # type: ignore[misc]
        return fields if request.user.has_perm(SEE_NUMBERS) else [f for f in fields if "phone" not in f]
