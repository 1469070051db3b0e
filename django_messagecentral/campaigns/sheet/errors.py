"""Why a list of recipients as a whole cannot be used."""

from __future__ import annotations

from django.utils.translation import gettext as _


class UnusableSheet(ValueError):
    """The file cannot be used. ``code`` is stable, the text says what to do and is shown to the operator."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def damaged(error: Exception) -> UnusableSheet:
    """The parts of a broken workbook raise KeyError, ExpatError, BadZipFile ...: to the operator it is
    one thing.
    """
    return UnusableSheet(
        "damaged",
        _("The workbook is damaged (%(error)s). Open it in Excel, save it again and upload the new file.")
        % {"error": type(error).__name__},
    )


def empty_sheet() -> UnusableSheet:
    return UnusableSheet(
        "empty_sheet",
        _(
            "The workbook holds no rows. The first row must name the columns, as in: "
            "Country, Mobile, var1, var2."
        ),
    )
