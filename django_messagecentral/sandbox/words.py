"""Translation of what the inbox says: Django's where a Django project is set up, else English."""

from __future__ import annotations


def _(text: str) -> str:
    """The text in the reader's language."""
    from django.conf import settings

    if not settings.configured:
        return text
    from django.utils.translation import gettext

    return gettext(text)
