"""The rule by which weeks of traffic alarm; the slow-drift figures judge whatever stands here."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.drift import compare

#: Level of a week's test, as the daemon's ``drift.alpha``.
ALPHA = 0.005


def alarms(
    reference: NDArray[np.float32], weeks: Sequence[NDArray[np.float32]], rng: np.random.Generator
) -> list[bool]:
    """Return whether there is an alarm after each week.

    Args:
        reference: float32 ``[n, d]``.
        weeks: A window for each week, in order.
        rng: Source of everything random.
    """
    return [compare(reference, week, alpha=ALPHA, rng=rng).verdict == "drift" for week in weeks]
