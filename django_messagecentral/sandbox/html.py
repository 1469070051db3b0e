"""HTML by small functions: everything is escaped unless it was made here."""

from __future__ import annotations

from html import escape
from typing import Final

VOID: Final = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Markup(str):
    """HTML that needs no escaping any more."""

    __slots__ = ()


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element. ``class_`` is class, ``a_b`` is a-b; None and False are left out, True is bare."""
    parts = [f"<{name}"]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        parts.append(f" {attribute}" if value is True else f' {attribute}="{escape(str(value))}"')
    parts.append(">")
    if name not in VOID:
        parts += [str(join(*children)), f"</{name}>"]
    return Markup("".join(parts))


def join(*children: object) -> Markup:
    """Children one after the other: Markup as it is, lists flattened, None left out, the rest escaped."""
    parts = []
    for child in children:
        if child is None or child is False:
            continue
        if isinstance(child, Markup):
            parts.append(str(child))
        elif isinstance(child, list | tuple):
            parts.append(str(join(*child)))
        else:
            parts.append(escape(str(child)))
    return Markup("".join(parts))
