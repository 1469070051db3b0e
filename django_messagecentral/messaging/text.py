"""Texts with variables, in the vendor's notation: ``Hello ##var##, your balance is ##var2##.``

``##var##`` and ``##var1##`` are the first variable column of the sheet (vendor document, sample of the
file mode), ``##varN##`` the Nth; any other name is looked up among the column headers, case and
surrounding spaces aside. ``##unsubscribe##`` is the recipient's own opt-out link
(:mod:`~django_messagecentral.messaging.unsubscribe`), unless a column has that name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django_messagecentral.messaging import unsubscribe

_VARIABLE = re.compile(r"##\s*([^#\n]{1,64}?)\s*##")
_POSITIONAL = re.compile(r"var(\d{0,3})\Z", re.IGNORECASE)


class TemplateError(ValueError):
    """The text and the columns do not fit. ``missing`` are the names the text asks for in vain."""

    def __init__(self, message: str, missing: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.missing = list(missing)


def fold(name: str) -> str:
    """The form in which column names are compared."""
    return " ".join(str(name).split()).casefold()


@dataclass(frozen=True, slots=True)
class BoundTemplate:
    """A text whose variables are known column positions."""

    literals: tuple[str, ...]
    positions: tuple[int, ...]
    names: tuple[str, ...]

    def render(self, values: Sequence[str]) -> str:
        """The text for one recipient. A value that is missing or empty raises :class:`TemplateError`."""
        parts = [self.literals[0]]
        for literal, position, name in zip(self.literals[1:], self.positions, self.names, strict=True):
            value = values[position] if position < len(values) else ""
            if not value:
                raise TemplateError(f"{name} is empty", [name])
            parts.append(value)
            parts.append(literal)
        return "".join(parts)


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text."""

    literals: tuple[str, ...]
    variables: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        pieces = _VARIABLE.split(text)
        return cls(tuple(pieces[0::2]), tuple(pieces[1::2]))

    @property
    def is_personal(self) -> bool:
        """Whether two recipients can get different texts."""
        return bool(self.variables)

    def bind(self, columns: Sequence[str]) -> BoundTemplate:
        """Fix each variable to a position in ``columns`` (the sheet's variable columns, in order).

        A header of the variable's own name wins over counting, so ``##var2##`` finds the column
        ``var2`` wherever it stands. Raises :class:`TemplateError` naming every variable without a column.
        """
        by_name = {fold(column): position for position, column in reversed(list(enumerate(columns)))}
        literals, names = [self.literals[0]], []
        positions: list[int] = []
        missing: list[str] = []
        for name, literal in zip(self.variables, self.literals[1:], strict=True):
            position = _position(name, by_name, len(columns))
            if position is not None:
                positions.append(position)
                names.append(name)
                literals.append(literal)
            elif fold(name) == unsubscribe.NAME and unsubscribe.is_usable():
                literals[-1] += unsubscribe.placeholder() + literal
            else:
                missing.append(name)
        if missing:
            raise TemplateError(f"no column for {', '.join(missing)}", missing)
        return BoundTemplate(tuple(literals), tuple(positions), tuple(names))


def _position(name: str, by_name: dict[str, int], count: int) -> int | None:
    folded = fold(name)
    if folded in by_name:
        return by_name[folded]
    if match := _POSITIONAL.match(folded):
        number = int(match[1] or 1)
        if number == 1:  # "var" and "var1" are two spellings of the first
            for spelling in ("var", "var1"):
                if spelling in by_name:
                    return by_name[spelling]
        if 1 <= number <= count:
            return number - 1
    return None
