"""How long a person has to wait, in words: a clock's time is wrong where the visitor's is another."""

from __future__ import annotations

from math import ceil

from django.utils.translation import ngettext

IN_SECONDS = 90
IN_MINUTES = 90 * 60


def spoken(seconds: int) -> str:
    """ "45 seconds", "2 minutes" or "3 hours" in the active language, rounded up."""
    if seconds <= IN_SECONDS:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if seconds <= IN_MINUTES:
        minutes = ceil(seconds / 60)
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = ceil(seconds / 3600)
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
