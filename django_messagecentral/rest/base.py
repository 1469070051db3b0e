"""What the REST doors for scripts and other services share: permissions by action, throttles, problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import models
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from rest_framework import serializers, viewsets
from rest_framework.fields import get_error_detail
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK, HTTP_201_CREATED
from rest_framework.throttling import UserRateThrottle

from django_messagecentral.admin_base import SEE_NUMBERS
from django_messagecentral.conf import app_settings
from django_messagecentral.phones import mask_phone
from django_messagecentral.rest.pagination import NewestFirst
from django_messagecentral.rest.problems import MEDIA_TYPE, exception_handler

DEFAULT_THROTTLES = {"read": "3000/min", "write": "300/min", "send": "1200/min"}


class HasPermissions(BasePermission):
    """A signed-in user with every permission that ``permissions_by_action`` of the view names."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if not request.user or not request.user.is_authenticated:
            return False
        if view.action is None:  # a method that the address does not have: let it answer 405
            return True
        wanted = view.permissions_by_action[view.action]
        return all(request.user.has_perm(f"messagecentral.{name}") for name in wanted)


class ByAction(UserRateThrottle):
    """Rates of the setting ``API_THROTTLES`` (``{"send": "1200/min"}``); an empty rate means none."""

    def __init__(self) -> None:
        """The rate is not known before the view is."""

    def allow_request(self, request: Request, view: Any) -> bool:
        self.scope = view.throttles_by_action.get(view.action, "read")
        self.rate = {**DEFAULT_THROTTLES, **app_settings.API_THROTTLES}[self.scope] or None
        self.num_requests, self.duration = self.parse_rate(self.rate)
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: Any) -> str:
        return f"messagecentral:throttle:{self.scope}:{request.user.pk}"


@method_decorator(never_cache, name="dispatch")
class Door(viewsets.GenericViewSet[Any]):
    """Parses, calls one service function, and answers. Things are named by their UUID."""

    permission_classes = (HasPermissions,)
    throttle_classes = (ByAction,)
    pagination_class: type[NewestFirst] | None = NewestFirst
    filter_backends = ()
    permissions_by_action: Mapping[str, tuple[str, ...]] = {}
    throttles_by_action: Mapping[str, str] = {}
    serializers_by_action: Mapping[str, Any] = {}
    lookup_field = "public_id"
    lookup_url_kwarg = "id"
    lookup_value_converter = "uuid"
    filter_serializer: type[Filters] | None = None

    def get_serializer_class(self) -> Any:
        return self.serializers_by_action.get(self.action) or self.serializer_class

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return exception_handler

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        renderer = getattr(response, "accepted_renderer", None)
        if response.status_code >= 400 and renderer is not None and renderer.format in ("json", "xlsx"):
            response.content_type = MEDIA_TYPE
        return response

    def filter_queryset(self, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Narrowed by the query string, on lists. Raises ``ValidationError``."""
        if self.filter_serializer is None or self.action != "list":
            return queryset
        filters = self.filter_serializer(
            data=self.request.query_params, context=self.get_serializer_context()
        )
        filters.is_valid(raise_exception=True)
        return filters.narrow(queryset)

    def asked(self, request: Request) -> dict[str, Any]:
        """The request's fields; raises ``ValidationError``."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def one(self) -> Response:
        """The row that the address names."""
        return Response(self.get_serializer(self.get_object()).data)

    def stored(self, request: Request, row: models.Model | None = None) -> Response:
        """The request's fields stored as a new row (201), or into ``row``. Raises ``ValidationError``."""
        serializer = self.get_serializer(row, data=request.data, partial=row is not None)
        serializer.is_valid(raise_exception=True)
        serializer.save()
        return Response(serializer.data, status=HTTP_201_CREATED if row is None else HTTP_200_OK)

    def page(self, queryset: models.QuerySet[Any]) -> Response:
        rows = self.paginate_queryset(queryset)
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


class Filters(serializers.Serializer[Any]):
    """Query parameters: ``lookups`` maps a field to a lookup of the queryset (its own name by default)."""

    lookups: Mapping[str, str] = {}

    def to_internal_value(self, data: Any) -> Any:
        """An unknown parameter is a mistake: silently it would answer everything."""
        known = {*self.fields, "cursor", "page_size", "format"}
        if unknown := sorted(set(data) - known):
            raise serializers.ValidationError({name: ["There is no such filter."] for name in unknown})
        return super().to_internal_value(data)

    def narrow(self, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        given = {name: value for name, value in self.validated_data.items() if value is not None}
        return queryset.filter(**{self.lookups.get(name, name): value for name, value in given.items()})


class ShownChoice(serializers.ChoiceField):
    """Read-only, and empty at times: the document must say so, which DRF forgets of such a field."""

    def __init__(self, choices: Any, **kwargs: Any) -> None:
        super().__init__(choices, **{"read_only": True, "allow_blank": True, **kwargs})


class Judged(serializers.ModelSerializer[Any]):
    """Fields judged by the model's own rules too (``full_clean``), as the admin's forms do."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        model: Any = self.Meta.model
        row: models.Model = copy(self.instance) if isinstance(self.instance, models.Model) else model()
        for name, value in attrs.items():
            setattr(row, name, value)
        try:
            row.full_clean()
        except DjangoValidationError as error:
            by_field = dict(get_error_detail(error))  # type: ignore[arg-type]
            if NON_FIELD_ERRORS in by_field:
                by_field["non_field_errors"] = by_field.pop(NON_FIELD_ERRORS)
            raise serializers.ValidationError(by_field) from None
        return attrs


class MaskedPhone(serializers.CharField):
    """In full for those with the permission, masked for the others."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"read_only": True, **kwargs})

    def to_representation(self, value: Any) -> str:
        return str(value) if may_see_numbers(self.context) else mask_phone(str(value))


def may_see_numbers(context: Mapping[str, Any]) -> bool:
    """Whether the request's user sees phone numbers in full."""
    request = context.get("request")
    return bool(request is not None and request.user.has_perm(SEE_NUMBERS))
