"""The exact counts that ``/_sandbox/stats`` answers: the judge of "nobody twice, nobody lost"."""

from __future__ import annotations

from collections import Counter
from typing import Any


def summary(counts: Counter[str], *, phones: int) -> dict[str, Any]:
    """The running counts, put in order."""
    return {
        "texts_received": counts["texts_received"],
        "phones": phones,
        "same_text_twice": counts["same_text_twice"],
        "sends": {
            "calls": counts["send_calls"],
            "accepted": counts["send_accepted"],
            "by_code": _part(counts, "send_code_"),
            "by_failure": _part(counts, "send_failure_"),
        },
        "validations": {
            "calls": counts["validate_calls"],
            "by_code": _part(counts, "validate_code_"),
            "by_failure": _part(counts, "validate_failure_"),
        },
        "tokens": {"issued": counts["tokens_issued"], "refused": counts["tokens_refused"]},
        "unauthorized": counts["unauthorized"],
        "replayed": counts["replayed"],
        "callbacks": {
            name: counts[f"callbacks_{name}"]
            for name in ("planned", "pending", "posting", "answered", "failed", "unposted")
        }
        | {"posts": counts["callback_posts"]},
    }


def _part(counts: Counter[str], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): n for name, n in sorted(counts.items()) if name.startswith(prefix)}
