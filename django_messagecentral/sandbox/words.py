"""Translation of what the inbox says: Django's where a Django project is set up, else English."""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    """Marks a text for translators; it is translated where it is shown."""
    return text


def language() -> str:
    """The reader's language as HTML names it."""
    from django.conf import settings

    if not settings.configured:
        return "en"
    from django.utils.translation import get_language

    return get_language() or "en"


def _(text: str) -> str:
    """The text in the reader's language."""
    from django.conf import settings

    if not settings.configured:
        return text
    from django.utils.translation import gettext

    return gettext(text)
