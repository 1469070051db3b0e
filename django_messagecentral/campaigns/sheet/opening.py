"""Opens a list of recipients of any kind."""

from __future__ import annotations

from typing import IO

from django_messagecentral.campaigns.sheet.filecheck import Kind
from django_messagecentral.campaigns.sheet.rows import Sheet
from django_messagecentral.campaigns.sheet.textlist import TextList
from django_messagecentral.campaigns.sheet.workbook import Workbook


def open_sheet(file: str | IO[bytes], kind: Kind, *, locale: str) -> Sheet:
    """``file`` (a path, or an open file, which stays open) as ``kind``, which
    :func:`~django_messagecentral.campaigns.sheet.filecheck.check_file` told. Raises :class:`UnusableSheet`.
    """
    return TextList(file) if kind == "csv" else Workbook(file, locale=locale)
