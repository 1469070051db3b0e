"""Numbers for people, in the language's own notation whatever the site's USE_THOUSAND_SEPARATOR says."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils import formats

register = template.Library()


@register.filter
def thousands(value: int) -> str:
    """``200,000``."""
    return formats.number_format(value, decimal_pos=0, force_grouping=True)


@register.filter
def money(value: Decimal) -> str:
    """``1,234.50``: two decimals, more only for amounts below one."""
    places = 2 if value == 0 or abs(value) >= 1 else 4
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)  # Django cuts off
    return formats.number_format(rounded, decimal_pos=places, force_grouping=True)


@register.filter
def unlocalize_number(value: int) -> str:
    """Plain digits, for attributes that programs read."""
    return str(int(value))
