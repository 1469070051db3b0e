"""Refuses a file that cannot be used, by its content, before anything of it is unpacked.

A workbook is a zip of XML. Its own directory tells the kind of file, the number of entries, and the size
they claim to unpack to (Python's zipfile never unpacks more than an entry claims).
"""

from __future__ import annotations

import zipfile
from typing import IO, Literal

from django.utils.translation import gettext as _

from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.conf import MIB, app_settings

OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # old .xls, and every encrypted workbook
ZIP_MAGIC = b"PK\x03\x04"
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
MAX_ENTRIES = 5_000

Kind = Literal["xlsx", "csv"]


def check_file(file: IO[bytes], size: int, name: str = "") -> Kind:
    """The kind of the file, which is a workbook by its content, or a text by its ``name`` (.csv, .tsv, .txt)
    that holds text. ``size`` in bytes. Rewinds ``file``. Raises :class:`UnusableSheet`.
    """
    limit = app_settings.UPLOAD_MAX_BYTES
    if size > limit:
        raise UnusableSheet(
            "too_large",
            _("The file has %(size)d MiB, %(limit)d MiB are allowed. Split it into several uploads.")
            % {"size": -(-size // MIB), "limit": limit // MIB},
        )
    file.seek(0)
    head = file.read(4096)
    file.seek(0)
    if not head.strip():
        raise UnusableSheet(
            "empty_file", _("The file is empty. Save the workbook in Excel and upload it again.")
        )
    if head.startswith(OLE_MAGIC):
        _refuse_ole(file)
    if name.lower().endswith(TEXT_SUFFIXES) and not head.startswith(ZIP_MAGIC):
        _check_text(head)
        return "csv"
    _check_workbook(file)
    return "xlsx"


def _check_text(head: bytes) -> None:
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in head and not utf16:
        raise UnusableSheet(
            "not_text",
            _(
                "This is no list in text form, though its name says so. Save the list as “CSV UTF-8” or as "
                "“Excel Workbook (.xlsx)” and upload that."
            ),
        )


def _check_workbook(file: IO[bytes]) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        raise _not_xlsx() from None
    finally:
        file.seek(0)
    names = {entry.filename for entry in entries}
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise _not_xlsx()
    unzipped, allowed = sum(entry.file_size for entry in entries), app_settings.UPLOAD_MAX_UNZIPPED_BYTES
    if unzipped > allowed or len(entries) > MAX_ENTRIES:
        raise UnusableSheet(
            "too_large_unzipped",
            _(
                "The workbook unpacks to %(size)d MiB in %(entries)d parts, more than is "
                "allowed. Keep only the sheet of recipients and save it again."
            )
            % {"size": unzipped // MIB, "entries": len(entries)},
        )


def _refuse_ole(file: IO[bytes]) -> None:
    content = file.read(2 * MIB)
    file.seek(0)
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise UnusableSheet(
            "encrypted",
            _(
                "The workbook is protected with a password. Remove it in Excel (File, Info, "
                "Protect Workbook) and upload it again."
            ),
        )
    raise UnusableSheet(
        "old_xls",
        _(
            "This is an old Excel file (.xls). Open it in Excel, save it as “Excel "
            "Workbook (.xlsx)” and upload that."
        ),
    )


def _not_xlsx() -> UnusableSheet:
    return UnusableSheet(
        "not_xlsx", _("This is no Excel workbook. Save the list as “Excel Workbook (.xlsx)” and upload that.")
    )
