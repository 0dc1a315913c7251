"""Drift that grows from week to week, each too little to be told from chance by itself.

Every week bets against "the traffic is the reference's", with what the weeks before have taught:
on the mean novelty, and on the cells that the last weeks have more of. Evidence multiplies, and
one level covers all weeks. See docs/explanation/statistics.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from monitor.drift.slow.betting import Wealth
from monitor.drift.slow.excess import largest_excess, learned_direction
from monitor.drift.slow.innovations import Series, innovation
from monitor.drift.slow.window_sums import WindowSums


@dataclass(frozen=True, kw_only=True)
class SlowDrift:
    """What the weeks together say after the newest of them."""

    #: ``drift`` from the week that found it until it has passed.
    verdict: Literal["drift", "no_drift"]
    #: ``drift``, and surely of the least share: from then on while any can be seen.
    alarm: bool
    #: One over the largest wealth so far: a p-value that holds at every week at once.
    p_value: float
    #: Indices of the weeks in which it began, by the best account, and was found; ``None`` without
    #: drift.
    onset_week: int | None
    detection_week: int | None
    #: The newest week's excess over the weeks before the drift: an estimate of the drifted share
    #: that rather falls short, and a lower bound (95%). 0 without drift.
    drifted_share: float
    drifted_share_lower_bound: float


#: Drift has passed when so many weeks in a row show no excess that can be told from 0.
WEEKS_UNSEEN = 2

#: No p-value is 0.
TINY = float(np.finfo(np.float64).tiny)

NOTHING = SlowDrift(
    verdict="no_drift",
    alarm=False,
    p_value=1.0,
    onset_week=None,
    detection_week=None,
    drifted_share=0.0,
    drifted_share_lower_bound=0.0,
)


def watch(
    reference: WindowSums,
    weeks: Sequence[WindowSums],
    *,
    numbers: Sequence[int] | None = None,
    alpha: float = 0.05,
    minimum_drifted_share: float = 0.0,
) -> list[SlowDrift]:
    """Judge each week with all that came before it.

    What is said of a week depends on no later one.

    Args:
        reference: Sums of the reference.
        weeks: Sums of the windows since, in order of time, by the same map.
        numbers: The number of each week, ascending, with gaps where there was none; ``None``: one
            after the other.
        alpha: Chance that drift is ever found, in any number of weeks, where there is none.
        minimum_drifted_share: Least lower bound on the share for an alarm.

    Returns:
        What was known after each week.

    Raises:
        ValueError: The numbers don't ascend, or an option is out of range.

    Reference: betting, Shekhar & Ramdas, arXiv 2112.09162; drift that begins in some week, Shin,
    Ramdas & Rinaldo, arXiv 2203.03532.
    """
    numbers = list(range(len(weeks))) if numbers is None else list(numbers)
    if len(numbers) != len(weeks) or any(np.diff(numbers) <= 0):
        raise ValueError(f"numbers must ascend, one for each of {len(weeks)} weeks; got {numbers}")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1; got {alpha}")
    if not 0.0 <= minimum_drifted_share <= 1.0:
        raise ValueError(f"minimum_drifted_share must lie in [0, 1]; got {minimum_drifted_share}")
    told: list[SlowDrift] = []
    first = 0
    while first < len(weeks):
        state = _Watch(Series.of([reference, *weeks[first:]]), numbers[first:])
        for week in range(len(weeks) - first):
            state.see(week)
            told.append(
                state.tell(
                    week, alpha=alpha, minimum_drifted_share=minimum_drifted_share, offset=first
                )
            )
            if state.has_passed:
                break
        first = len(told)  # where drift has passed, begin anew from the reference
    return told


@dataclass
class _Spell:
    onset_week: int
    detection_week: int
    #: Whether it has been large enough to alarm, and how many weeks it hasn't been seen.
    alarms: bool = False
    unseen: int = 0


class _Watch:
    """The bets since the reference, or since drift has passed."""

    def __init__(self, series: Series, numbers: Sequence[int]) -> None:
        self._series = series
        self._numbers = numbers
        self._wealth = Wealth()
        self._largest = 0.0
        self._spell: _Spell | None = None

    def see(self, week: int) -> None:
        """Bet on a week, by what the weeks before it have taught."""
        seen = self._series[: week + 2]
        direction = learned_direction(seen[:-1]) if week else np.zeros(0)
        topics = innovation(seen, seen.project(direction)) if direction.any() else None
        novelty = innovation(seen, seen.novelty)
        self._wealth.bet(novelty, topics, self._numbers[: week + 1])
        self._largest = max(self._largest, self._wealth.log_total)

    def tell(
        self, week: int, *, alpha: float, minimum_drifted_share: float, offset: int
    ) -> SlowDrift:
        """Say what is known after a week; indices are counted from the offset."""
        p_value = max(float(np.exp(-self._largest)), TINY)
        if self._spell is None and p_value <= alpha:
            self._spell = _Spell(self._wealth.onset, week)
        if self._spell is None:
            return replace(NOTHING, p_value=p_value)
        spell, series = self._spell, self._series
        before, during = series[: spell.onset_week + 1], series[spell.onset_week + 1 : week + 2]
        excess = largest_excess(before, during)
        seen = excess.lower_bound > 0.0
        spell.unseen = 0 if seen else spell.unseen + 1
        # Once told it goes on while it can be seen: at the floor it would come and go.
        spell.alarms = excess.lower_bound >= minimum_drifted_share or (spell.alarms and seen)
        if self.has_passed:
            return NOTHING
        return SlowDrift(
            verdict="drift",
            alarm=spell.alarms,
            p_value=p_value,
            onset_week=offset + spell.onset_week,
            detection_week=offset + spell.detection_week,
            drifted_share=excess.share,
            drifted_share_lower_bound=excess.lower_bound,
        )

    @property
    def has_passed(self) -> bool:
        """Return whether drift was found, and the last weeks are as before it began."""
        return self._spell is not None and self._spell.unseen >= WEEKS_UNSEEN
