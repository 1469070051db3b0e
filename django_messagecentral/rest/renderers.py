"""Spreadsheets out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from rest_framework.renderers import BaseRenderer
from rest_framework.utils.encoders import JSONEncoder

from django_messagecentral.rest.schema import XLSX


class SpreadsheetRenderer(BaseRenderer):
    """Lets a client say ``Accept: …spreadsheetml.sheet``; a problem is JSON all the same."""

    media_type = XLSX
    format = "xlsx"
    charset = None
    render_style = "binary"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return json.dumps(data, cls=JSONEncoder).encode()


def spreadsheet(content: bytes, name: str) -> HttpResponse:
    """``content`` as a download named ``name``."""
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
