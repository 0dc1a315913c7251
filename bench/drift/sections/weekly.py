"""Alarms of weekly prompts by the rules of the daemon, at its default settings."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift import SlowDrift, compare, fit_watch_map, watch
from monitor.settings import Drift
from monitor.statistics.alarm_levels import DEFAULT_LEVELS


@dataclass(frozen=True)
class Alarms:
    """Whether there is an alarm after each week, by each rule."""

    #: The test of the single week.
    alone: tuple[bool, ...]
    #: The test for slow drift over all weeks so far.
    slow: tuple[bool, ...]

    @property
    def either(self) -> tuple[bool, ...]:
        """Return whether there is an alarm after each week."""
        return tuple(map(any, zip(self.alone, self.slow, strict=True)))


def alarms(
    reference: NDArray[np.float32], weeks: Sequence[NDArray[np.float32]], rng: np.random.Generator
) -> Alarms:
    """Return the alarms of weeks, evaluated as by the daemon.

    Args:
        reference: float32 ``[n, d]``.
        weeks: A window for each week, in order.
        rng: Random generator.
    """
    drift = Drift()
    slow = tuple(state.alarm for state in watch_weeks(reference, weeks, rng))
    alone = tuple(
        compare(
            reference,
            week,
            alpha=DEFAULT_LEVELS.input,
            minimum_drifted_share=drift.min_drifted_share,
            n_permutations=drift.n_permutations,
            rng=rng,
        ).verdict
        == "drift"
        for week in weeks
    )
    return Alarms(alone, slow)


def watch_weeks(
    reference: NDArray[np.float32], weeks: Sequence[NDArray[np.float32]], rng: np.random.Generator
) -> list[SlowDrift]:
    """Return the states of slow drift after each week."""
    drift = Drift()
    scores = fit_watch_map(reference, None, rng)
    return watch(
        scores.sum_window(reference),
        [scores.sum_window(week) for week in weeks],
        alpha=DEFAULT_LEVELS.slow,
        minimum_drifted_share=drift.min_slow_drifted_share,
    )
