"""Which column is what: the vendor's own sample is ``Country, Mobile, var1, var2,
var3`` (vendor document, file mode).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from django_messagecentral.campaigns.sheet.errors import UnusableSheet
from django_messagecentral.conf import app_settings

_MOBILE = ("mobile", "mobilenumber", "mobileno", "phone", "phonenumber", "phoneno", "msisdn", "cellphone")
_COUNTRY = ("country", "countrycode", "dialcode", "diallingcode", "dialingcode")
_NOISE = re.compile(r"[\s_.\-/]+")


def _squash(name: str) -> str:
    return _NOISE.sub("", name).casefold()


def _find(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    squashed = [_squash(name) for name in names]
    return next((squashed.index(name) for name in wanted if name in squashed), None)


@dataclass(frozen=True, slots=True)
class Columns:
    """Positions in the sheet: ``mobile``,
    ``country`` (or None) and the variables' positions and names, in order.
    """

    mobile: int
    country: int | None
    variables: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many columns of a row matter."""
        return 1 + max(self.mobile, self.country or 0, *self.variables, 0)

    @classmethod
    def has_mobile(cls, header: Sequence[str]) -> bool:
        return _find(header, _MOBILE) is not None

    @classmethod
    def of(cls, header: Sequence[str]) -> Columns:
        """Read a header row: case, order and extra spaces do not matter. Raises :class:`UnusableSheet`."""
        named = [(position, " ".join(name.split())) for position, name in enumerate(header) if name.strip()]
        limit = app_settings.UPLOAD_MAX_COLUMNS
        if len(named) > limit:
            raise UnusableSheet(
                "too_many_columns",
                _(
                    "The sheet has %(count)d columns, %(limit)d are allowed. Delete the columns "
                    "that the text does not use."
                )
                % {"count": len(named), "limit": limit},
            )
        mobile = _find(header, _MOBILE)
        if mobile is None:
            seen = ", ".join(name for _position, name in named[:10])
            raise UnusableSheet(
                "no_mobile_column",
                _(
                    "No column is named Mobile. The first row must name the columns, as in: "
                    "Country, Mobile, var1, var2. Found: %(seen)s."
                )
                % {"seen": seen},
            )
        country = _find(header, _COUNTRY)
        variables = [(position, name[:100]) for position, name in named if position not in (mobile, country)]
        return cls(mobile, country, tuple(p for p, _n in variables), tuple(n for _p, n in variables))
