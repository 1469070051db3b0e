"""Do two samples come from one distribution? The two-sample Kolmogorov-Smirnov test, false alarms bounded."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence


def distance(first: Sequence[float], second: Sequence[float]) -> float:
    """The largest gap between the two empirical distribution functions: 0 (alike) to 1 (they never meet)."""
    one, two = sorted(first), sorted(second)
    return max(abs(bisect_right(one, x) / len(one) - bisect_right(two, x) / len(two)) for x in (*one, *two))


def largest_by_chance(first: int, second: int, false_alarms: float) -> float:
    """The distance that samples of these sizes from *one* distribution exceed with a probability of at most
    ``false_alarms``, whatever the distribution: the Dvoretzky-Kiefer-Wolfowitz bound for two samples, with
    the constant e of Wei and Dudley, which holds for small samples too."""
    return math.sqrt(-math.log(false_alarms / math.e) * (first + second) / (2 * first * second))
