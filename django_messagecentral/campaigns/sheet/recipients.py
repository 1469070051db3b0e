"""A row becomes a recipient, or is rejected with a reason that says what to mend."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from django_messagecentral.campaigns.sheet.columns import Columns
from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.campaigns.sheet.rows import SheetRow
from django_messagecentral.conf import app_settings
from django_messagecentral.messaging.delivery import too_long
from django_messagecentral.messaging.segments import GSM_BASIC, count_segments
from django_messagecentral.messaging.text import Template, TemplateError
from django_messagecentral.phones import InvalidPhone, parse_phone

GSM_SINGLE = 160  # characters of GSM's basic alphabet in one segment (3GPP TS 23.038)
_GSM_ONLY = re.compile(f"[{re.escape(GSM_BASIC)}]*")


@dataclass(slots=True)
class Recipient:
    """A usable row. ``phone`` is E.164, ``variables`` one text a variable column, ``variables_json`` the same
    as the database stores it (written here, since rows are read beside the storing of others).
    """

    row_number: int
    phone: str
    region: str
    variables: list[str]
    segments: int
    variables_json: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        self.variables_json = f"[{', '.join(map(encode_basestring_ascii, self.variables))}]"


@dataclass(slots=True)
class Rejection:
    """A row that cannot be used: ``code`` is stable, ``reason`` is for the operator."""

    row_number: int
    cells: list[str]
    code: str
    reason: str


class RowReader:
    """Judges rows for one campaign text. Raises :class:`UnusableSheet` when text and columns do not fit."""

    def __init__(self, columns: Columns, text: str) -> None:
        self._columns = columns
        self._width = columns.width
        # A sheet that names countries means what it says: an empty cell is a mistake, not the default.
        self._region = app_settings.DEFAULT_REGION if columns.country is None else ""
        self._allowed = frozenset(app_settings.ALLOWED_COUNTRIES)
        try:
            self._template = Template.parse(text).bind(columns.names)
        except TemplateError as error:
            raise UnusableSheet(
                "missing_variable",
                _(
                    "The text uses %(missing)s, but the sheet has no such column. Its columns "
                    "are: %(columns)s."
                )
                % {
                    "missing": ", ".join(f"##{name}##" for name in error.missing),
                    "columns": ", ".join(columns.names) or _("none besides Mobile"),
                },
            ) from None
        self._used = {columns.variables[position] for position in self._template.positions}
        self._named_in_text = list(self._template.positions)
        fixed = "".join(self._template.literals)
        # What the variables may add so that the text is one segment for sure; less than nothing: look closer.
        room = min(GSM_SINGLE, app_settings.MAX_TEXT_LENGTH) - len(fixed)
        self._room = room if _GSM_ONLY.fullmatch(fixed) else -1

    def read(self, row: SheetRow) -> Recipient | Rejection:
        """``row`` as a recipient, or why not."""
        cells = row.cells
        if len(cells) < self._width:
            cells = cells + [""] * (self._width - len(cells))
        for position, problem in row.problems.items():
            if position in self._used or position in (self._columns.mobile, self._columns.country):
                code, reason = _CELL_PROBLEMS[problem]
                return self._reject(row, code, _(reason))
        country: Any = "" if self._columns.country is None else cells[self._columns.country]
        try:
            phone = parse_phone(cells[self._columns.mobile], country=country, region=self._region)
        except InvalidPhone as error:
            return self._reject(row, f"phone_{error.code}", _(error.reason))
        if self._allowed and phone.region not in self._allowed:
            return self._reject(
                row,
                "country_not_allowed",
                _("Messages to %(region)s are not allowed on this site.") % {"region": phone.region},
            )
        variables = [cells[position] for position in self._columns.variables]
        segments = 1 if self._is_short(variables) else self._count(row, variables)
        if isinstance(segments, Rejection):
            return segments
        return Recipient(row.number, phone.e164, phone.region, variables, segments)

    def _is_short(self, variables: list[str]) -> bool:
        """Whether the text is one segment, without writing it: nearly always, and a third of the time."""
        used = [variables[position] for position in self._named_in_text]
        if "" in used:
            return False
        added = "".join(used)
        return bool(len(added) <= self._room and _GSM_ONLY.fullmatch(added))

    def _count(self, row: SheetRow, variables: list[str]) -> int | Rejection:
        """The segments of the text, or why it cannot be sent."""
        try:
            text = self._template.render(variables)
        except TemplateError as error:
            return self._reject(
                row,
                "empty_variable",
                _("The text needs %(name)s, which is empty here.") % {"name": error.missing[0]},
            )
        if problem := too_long(text):
            return self._reject(
                row, "text_too_long", _("With this row's values %(problem)s.") % {"problem": problem}
            )
        return count_segments(text)

    @staticmethod
    def _reject(row: SheetRow, code: str, reason: str) -> Rejection:
        return Rejection(row.number, row.cells, code, str(reason)[:300])


_CELL_PROBLEMS = {
    "formula": (
        "formula_without_value",
        gettext_noop(
            "A formula has no stored value. Open the workbook in Excel, save it, and upload it again."
        ),
    ),
    "error": (
        "cell_error",
        gettext_noop("A cell shows an Excel error such as #N/A. Mend the formula, and upload it again."),
    ),
}
