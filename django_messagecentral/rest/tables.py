"""Tables that scripts edit row by row: list, read, add, change, delete, judged by the model's own rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from drf_spectacular.utils import extend_schema_view
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from django_messagecentral.rest.base import Door, Filters
from django_messagecentral.rest.schema import BODY, described

T = TypeVar("T", bound="type[Table]")


class Table(Door):
    """The five doors of a table. A view of one is made with :func:`table`."""

    throttles_by_action = dict.fromkeys(("create", "partial_update", "destroy"), "write")

    def list(self, request: Request) -> Response:
        return self.page(self.filter_queryset(self.get_queryset()))

    def retrieve(self, request: Request, id: str) -> Response:  # noqa: A002 (the URL's name for it)
        return self.one()

    def create(self, request: Request) -> Response:
        return self.stored(request)

    def partial_update(self, request: Request, id: str) -> Response:  # noqa: A002
        return self.stored(request, self.get_object())

    def destroy(self, request: Request, id: str) -> Response:  # noqa: A002
        self.get_object().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


def table_permissions(model_name: str) -> dict[str, tuple[str, ...]]:
    """Django's own permissions of a model, by the table's actions."""
    return {
        "list": (f"view_{model_name}",),
        "retrieve": (f"view_{model_name}",),
        "create": (f"add_{model_name}",),
        "partial_update": (f"change_{model_name}",),
        "destroy": (f"delete_{model_name}",),
    }


def table(
    noun: str,
    serializer: Any,
    filters: type[Filters],
    *,
    shows: Mapping[str, Any],
    asks: Mapping[str, Any],
    changes: Mapping[str, Any],
    when_changed: str = "",
) -> Callable[[T], T]:
    """Describe a :class:`Table`. Examples: ``shows`` a row, ``asks`` a body that adds one, ``changes`` a body
    that changes one.
    """
    one = {200: serializer}
    described_all: Callable[[T], T] = extend_schema_view(
        list=described(
            f"List {noun}s, the newest first",
            {200: serializer(many=True)},
            parameters=[filters],
            statuses=(400, 404),
            shows=shows,
        ),
        retrieve=described(f"One {noun}", one, statuses=(404,), shows=shows),
        create=described(
            f"Add a {noun}", {201: serializer}, request=serializer, statuses=BODY, asks=asks, shows=shows
        ),
        partial_update=described(
            f"Change a {noun}{when_changed}",
            one,
            request=serializer(partial=True),
            statuses=(*BODY, 404),
            asks=changes,
            shows=shows,
        ),
        destroy=described(f"Delete a {noun}", {204: None}, statuses=(404,)),
    )
    return described_all
