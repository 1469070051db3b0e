"""Any JSON, made storable on every database with as little change as possible.

PostgreSQL's jsonb knows no NUL character and no lone surrogate, no database knows infinity, and MariaDB
refuses what is nested deeper than 32 levels: such an item is kept as one text.
"""

from __future__ import annotations

import json
import math
from typing import Any

MAX_DEPTH = 30
REPLACEMENT = "\ufffd"


def storable(item: Any) -> Any:
    """``item`` for a JSON column."""
    try:
        return _clean(item, MAX_DEPTH)
    except RecursionError:
        return _clean_text(json.dumps(item))


def _clean(item: Any, depth: int) -> Any:
    if depth == 0:
        raise RecursionError
    if isinstance(item, str):
        return _clean_text(item)
    if isinstance(item, dict):
        return {_clean_text(key): _clean(value, depth - 1) for key, value in item.items()}
    if isinstance(item, list):
        return [_clean(value, depth - 1) for value in item]
    if isinstance(item, float) and not math.isfinite(item):
        return str(item)
    return item


def _clean_text(text: str) -> str:
    return text.replace("\x00", REPLACEMENT).encode("utf-8", "replace").decode()
