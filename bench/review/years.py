"""Simulated years of decisions: error rate of the rule, and its time to detect a rise.

The rule is the one that decides in production, called with the counts of each week. Agreement and
gold are taken to be there and every error to need training, so nothing but the rise holds it back.
"""

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from monitor.review.decision.error_causes import NEEDS_JUDGEMENT, ErrorCauses
from monitor.review.decision.error_rate import ControlSlice
from monitor.review.decision.rule import Baseline, ReviewEvidence, recommend
from monitor.review.decision.weighted_rate import WeightedRate
from monitor.settings import Review
from monitor.statistics.agreement import Agreement

WEEKS = 52

_READY = Agreement(400, 0.95, 0.9, 0.85, 0.95, 0.93, 0.9, 0.96)
_CAUSES = ErrorCauses(40, 40, 40.0, {NEEDS_JUDGEMENT: WeightedRate(40, 40, 40.0, 1.0, 0.9, 1.0)})


@dataclass(frozen=True)
class Plan:
    """The conditions of a simulated year."""

    error_rate: float = 0.08
    review: Review = field(default_factory=Review)

    @property
    def n_control(self) -> int:
        """Control points a week."""
        return round(self.review.weekly_budget * self.review.control_share)


def false_recommendations(plan: Plan, years: int, seed: int) -> int:
    """Return in how many years without any change something was recommended at least once."""
    rng = np.random.default_rng([seed, 1])
    return sum(_first_alarm(plan, 0.0, WEEKS, 0, rng) is not None for _ in range(years))


def rises_found(plan: Plan, rise: float, n_weeks: int, trials: int, seed: int) -> int:
    """Return how often a rise of the error rate is n_detected in so many weeks after it began.

    The weeks before it, which the first decisions still look back on, are as at launch.
    """
    rng = np.random.default_rng([seed, 2])
    quiet = plan.review.decision_window.days // 7
    n_detected = 0
    for _ in range(trials):
        week = _first_alarm(plan, rise, n_weeks, quiet, rng)
        n_detected += week is not None
    return n_detected


def _first_alarm(
    plan: Plan, rise: float, weeks: int, quiet_before: int, rng: np.random.Generator
) -> int | None:
    """Return the first week in which anything but to keep the model is recommended."""
    n0 = plan.review.baseline_reviews
    at_launch = int(rng.binomial(n0, plan.error_rate))
    before = rng.binomial(plan.n_control, plan.error_rate, quiet_before)
    after = rng.binomial(plan.n_control, plan.error_rate + rise, weeks)
    errors = np.concatenate([before, after])
    for week in range(quiet_before, quiet_before + weeks):
        pooled = errors[max(0, week + 1 - plan.review.decision_window.days // 7) : week + 1]
        outcome = _decide(plan, int(errors[week]), int(pooled.sum()), len(pooled), at_launch)
        if outcome != "keep":
            return week - quiet_before
    return None


@cache
def _decide(plan: Plan, batch_control: int, pooled: int, n_weeks: int, at_launch: int) -> str:
    n = plan.n_control
    evidence = ReviewEvidence(
        batch_control=ControlSlice(n, 0, n, batch_control, 0),
        pooled=ControlSlice(n * n_weeks, 0, n * n_weeks, pooled, 0),
        baseline=Baseline(at_launch, plan.review.baseline_reviews, "launch"),
        agreement=_READY,
        error_causes=_CAUSES,
        drifted_gold=plan.review.min_drifted_gold,
    )
    return recommend(evidence, plan.review).recommendation
