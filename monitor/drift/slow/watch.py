"""Sequential test for slow drift, too small in each single week to be significant.

Every week is a bet against "the traffic is that of the reference", placed by the weeks before it:
on the mean novelty, and on the cells that have gained in the last weeks. Evidence multiplies, and
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
from monitor.statistics.alarm_levels import DEFAULT_LEVELS, MIN_DRIFTED_SHARE


@dataclass(frozen=True, kw_only=True)
class SlowDrift:
    """The state of slow drift after a week."""

    #: ``drift`` from the week of detection until it has passed.
    verdict: Literal["drift", "no_drift"]
    #: ``drift`` whose estimate has reached the minimum while the excess was significant, for as
    #: long as it is.
    alarm: bool
    #: One over the largest wealth so far: a p-value that is valid at every week at once.
    p_value: float
    #: Indices of the most likely week of its beginning and of its detection; ``None`` without
    #: drift.
    onset_week: int | None
    detection_week: int | None
    #: The newest week's excess over the weeks before the onset, a conservative estimate of the
    #: drifted share, with its 95% interval. 0 without drift.
    drifted_share: float
    drifted_share_interval: tuple[float, float]


#: Drift has passed after so many weeks in a row without a significant excess.
WEEKS_WITHOUT_EXCESS = 2

#: No p-value is 0.
TINY = float(np.finfo(np.float64).tiny)

NO_DRIFT = SlowDrift(
    verdict="no_drift",
    alarm=False,
    p_value=1.0,
    onset_week=None,
    detection_week=None,
    drifted_share=0.0,
    drifted_share_interval=(0.0, 0.0),
)


def watch(
    reference: WindowSums,
    weeks: Sequence[WindowSums],
    *,
    numbers: Sequence[int] | None = None,
    alpha: float = DEFAULT_LEVELS.slow,
    minimum_drifted_share: float = MIN_DRIFTED_SHARE,
) -> list[SlowDrift]:
    """Return the state of slow drift after each week.

    The state after a week doesn't depend on later weeks.

    Args:
        reference: Sums of the reference.
        weeks: Sums of the windows since then, in order of time, by the same map.
        numbers: The number of each week, ascending, with gaps for missing weeks; ``None``: without
            gaps.
        alpha: Probability that drift is ever detected, in any number of weeks, where there is none.
        minimum_drifted_share: Least estimate of the drifted share for an alarm.

    Returns:
        One state per week.

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
    states: list[SlowDrift] = []
    first = 0
    while first < len(weeks):
        watch_state = _Watch(Series.of([reference, *weeks[first:]]), numbers[first:])
        for week in range(len(weeks) - first):
            watch_state.bet(week)
            states.append(
                watch_state.summarize(
                    week, alpha=alpha, minimum_drifted_share=minimum_drifted_share, offset=first
                )
            )
            if watch_state.has_passed:
                break
        first = len(states)  # after drift has passed, start again from the reference
    return states


@dataclass
class _Episode:
    onset_week: int
    detection_week: int
    #: Whether it has reached the minimum, and the number of weeks in a row without excess.
    alarms: bool = False
    weeks_without_excess: int = 0


class _Watch:
    """The bets since the reference, or since drift has passed."""

    def __init__(self, series: Series, numbers: Sequence[int]) -> None:
        self._series = series
        self._numbers = numbers
        self._wealth = Wealth()
        self._largest = 0.0
        self._episode: _Episode | None = None

    def bet(self, week: int) -> None:
        """Place the bets on a week, as the weeks before it suggest."""
        series = self._series[: week + 2]
        direction = learned_direction(series[:-1]) if week else np.zeros(0)
        topics = innovation(series, series.project(direction)) if direction.any() else None
        novelty = innovation(series, series.novelty)
        self._wealth.bet(novelty, topics, self._numbers[: week + 1])
        self._largest = max(self._largest, self._wealth.log_total)

    def summarize(
        self, week: int, *, alpha: float, minimum_drifted_share: float, offset: int
    ) -> SlowDrift:
        """Return the state after a week, with indices counted from the offset."""
        p_value = max(float(np.exp(-self._largest)), TINY)
        if self._episode is None and p_value <= alpha:
            self._episode = _Episode(self._wealth.onset, week)
        if self._episode is None:
            return replace(NO_DRIFT, p_value=p_value)
        episode, series = self._episode, self._series
        before, during = series[: episode.onset_week + 1], series[episode.onset_week + 1 : week + 2]
        excess = largest_excess(before, during)
        is_significant = excess.lower > 0.0
        episode.weeks_without_excess = 0 if is_significant else episode.weeks_without_excess + 1
        # An alarm lasts while the excess is significant: at the threshold it would flap.
        episode.alarms = is_significant and (
            episode.alarms or excess.share >= minimum_drifted_share
        )
        if self.has_passed:
            return NO_DRIFT
        return SlowDrift(
            verdict="drift",
            alarm=episode.alarms,
            p_value=p_value,
            onset_week=offset + episode.onset_week,
            detection_week=offset + episode.detection_week,
            drifted_share=excess.share,
            drifted_share_interval=(excess.lower, excess.upper),
        )

    @property
    def has_passed(self) -> bool:
        """Return whether drift was detected and the last weeks are as before its onset."""
        return (
            self._episode is not None and self._episode.weeks_without_excess >= WEEKS_WITHOUT_EXCESS
        )
