"""Evidence of a rollout: running sums of all checks, updated hour by hour."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitor.statistics.betting import (
    MOMENTS,
    initial_fitted_logarithms,
    initial_logarithms,
    log_wealth,
)
from retrain.rollout.checks.check import UNITS_EACH, RolloutCheck, metrics_of
from retrain.rollout.checks.sample_ratio import SampleRatio, start_sample_ratio
from retrain.rollout.checks.user_history import HistorySums, empty_history

Floats = NDArray[np.float64]

#: Pairs by which the variance that the level implies counts beside the pairs so far.
PRIOR_PAIRS = 500
#: That of shares of .5, while the level is unknown.
LARGEST_VARIANCE = 0.25 * (1.0 + 1.0 / UNITS_EACH)
#: Share of the wealth that begins to bet on "worse" with the first stage.
FIRST_SHARE = 0.75


@dataclass(frozen=True)
class Tolerances:
    """Differences and error probabilities of a rollout, fixed at its start."""

    #: A stage advances where the canary is shown to be worse by less than this share of stable's
    #: level, or by less than ``points`` of the range, whichever is larger.
    margin: float = 0.10
    points: float = 0.01
    #: The canary reverts where it is shown to be worse by more than this share of stable's level.
    negligible: float = 0.01
    #: Probability that a version that is not worse is ever reverted, over all checks and stages.
    false_reverts: float = 0.05
    #: Probability that a stage advances though a check is worse by the margin.
    false_advances: float = 0.05


@dataclass(frozen=True, eq=False)
class RolloutEvidence:
    """The running sums of m checks; arrays have one row for each check."""

    checks: tuple[RolloutCheck, ...]
    tolerances: Tolerances
    #: Shares of the wealth that begin to bet on "worse" at the start of each stage.
    onset_shares: tuple[float, ...]
    #: Of the dealing of units.
    seed: int
    #: Index of the current stage; -1 before the first.
    stage: int
    #: The newest hour that was looked at, since 1970; -1: none.
    last_hour: int
    #: Stable's mean and number of units, while the level is unknown, in the metrics' units.
    level: Floats
    level_sums: Floats
    #: Quantile of stable's past values, and those of its newest hours, ``[hours, m]``.
    threshold: Floats
    hourly_thresholds: Floats
    #: ``[m, stakes]``: logarithms of the wealth for "worse", of all onsets together; for "not worse
    #: by the margin" in this stage; for "measured less often than stable" in this stage.
    log_worse: Floats
    log_not_worse: Floats
    log_missing: Floats
    #: Whether the wealth ever passed its limit: in the rollout; in this stage.
    worse: NDArray[np.bool_]
    not_worse: NDArray[np.bool_]
    #: ``[stages, m, sums]``: sums of the differences of each stage; see ``betting.MOMENTS``.
    sums: Floats
    #: ``[m]``: the newest hour with a pair; of the arms, the newest hour with a unit.
    last_pair: NDArray[np.int64]
    last_canary: int
    last_stable: int
    #: ``[stages, 2]``: units of stable and of the canary.
    n_units: Floats
    history: HistorySums
    sample_ratio: SampleRatio = field(default_factory=start_sample_ratio)

    @property
    def metrics(self) -> tuple[str, ...]:
        """The columns of the observations that an update expects."""
        return metrics_of(self.checks)

    @cached_property
    def margins(self) -> Floats:
        """Margin of each check on the scale [0, 1]; NaN while stable's level is unknown."""
        return self._tolerance(self.tolerances.margin, self.tolerances.points)

    @cached_property
    def negligible(self) -> Floats:
        """Negligible difference of each check on the scale [0, 1]; NaN while it is unknown."""
        return self._tolerance(self.tolerances.negligible, 0.0)

    @cached_property
    def variances(self) -> Floats:
        """Variance of each check's pairs: of the pairs so far, and what the level implies."""
        total = self.sums.sum(axis=0)
        n, squares = total[:, MOMENTS.index("n")], total[:, MOMENTS.index("yy")]
        implied = np.array(
            [
                LARGEST_VARIANCE if np.isnan(level) else check.pair_variance(level)
                for check, level in zip(self.checks, self.level, strict=True)
            ]
        )
        return np.asarray((squares + PRIOR_PAIRS * implied) / (n + PRIOR_PAIRS))

    @property
    def alpha(self) -> float:
        """Error probability of the revert by one check."""
        return self.tolerances.false_reverts / max(len(self.checks), 1)

    @property
    def reserve(self) -> float:
        """Share of the wealth that begins to bet in later stages."""
        return float(sum(self.onset_shares[self.stage + 1 :]))

    @cached_property
    def log_wealth_worse(self) -> Floats:
        """Logarithm of each check's wealth for "worse"."""
        wealth = log_wealth(self.log_worse)
        return np.logaddexp(wealth, np.log(self.reserve)) if self.reserve else wealth

    @cached_property
    def log_wealth_not_worse(self) -> Floats:
        """Logarithm of each check's wealth for "not worse by the margin" in this stage."""
        return log_wealth(self.log_not_worse)

    @property
    def measured_less(self) -> NDArray[np.bool_]:
        """Whether a check has measurements of canary units less often than of stable units."""
        return np.asarray(log_wealth(self.log_missing) >= -np.log(self.alpha))

    def _tolerance(self, relative: float, points: float) -> Floats:
        return np.array(
            [
                (check.tolerance(relative, points, level) if not np.isnan(level) else np.nan)
                if check.is_paired
                else 0.0
                for check, level in zip(self.checks, self.level, strict=True)
            ]
        )


def create_evidence(
    checks: Sequence[RolloutCheck],
    n_stages: int,
    tolerances: Tolerances | None = None,
    seed: int = 0,
) -> RolloutEvidence:
    """Return the evidence before the first hour; :func:`start_stage` begins the first stage.

    The checks of the whole rollout share its budget of false reverts. ``n_stages`` counts the stage
    at 100% with its holdback; ``seed``, the rollout's id, is that of the dealing.
    """
    m = len(checks)
    levels = [check.level for check in checks]
    thresholds = [check.threshold for check in checks]
    nothing = np.full((m, 1), -np.inf)
    return RolloutEvidence(
        checks=tuple(checks),
        tolerances=tolerances or Tolerances(),
        onset_shares=onset_shares(n_stages),
        seed=seed,
        stage=-1,
        last_hour=-1,
        level=np.array(
            [
                1.0 - check.quantile if check.quantile is not None else _number(level)
                for check, level in zip(checks, levels, strict=True)
            ]
        ),
        level_sums=np.zeros((2, m)),
        threshold=np.array([_number(threshold) for threshold in thresholds]),
        hourly_thresholds=np.zeros((0, m)),
        log_worse=np.broadcast_to(nothing, initial_logarithms(1.0, m).shape).copy(),
        log_not_worse=initial_fitted_logarithms(m),
        log_missing=initial_logarithms(1.0, m),
        worse=np.zeros(m, dtype=np.bool_),
        not_worse=np.zeros(m, dtype=np.bool_),
        sums=np.zeros((n_stages, m, len(MOMENTS))),
        last_pair=np.full(m, -1, dtype=np.int64),
        last_canary=-1,
        last_stable=-1,
        n_units=np.zeros((n_stages, 2)),
        history=empty_history(m),
    )


def onset_shares(n_stages: int) -> tuple[float, ...]:
    """Return the share of the wealth that begins to bet with each stage.

    Most begins with the first, as trouble does; each later stage has an equal part of the rest,
    since a process that has bet on equal arms for days has lost its wealth.
    """
    if n_stages == 1:
        return (1.0,)
    return (FIRST_SHARE, *[(1.0 - FIRST_SHARE) / (n_stages - 1)] * (n_stages - 1))


def start_stage(evidence: RolloutEvidence) -> RolloutEvidence:
    """Return the evidence at the start of the next stage.

    What was shown is to be shown again; a share of the reserve begins to bet on "worse".
    """
    m, stage = len(evidence.checks), evidence.stage + 1
    if stage >= len(evidence.onset_shares):
        raise ValueError(f"stage {stage} of {len(evidence.onset_shares)}; the last has begun")
    begun = initial_logarithms(evidence.onset_shares[stage], m)
    return replace(
        evidence,
        stage=stage,
        log_worse=np.logaddexp(evidence.log_worse, begun),
        log_not_worse=initial_fitted_logarithms(m),
        log_missing=initial_logarithms(1.0, m),
        not_worse=np.zeros(m, dtype=np.bool_),
        sample_ratio=start_sample_ratio(),
    )


def _number(value: float | None) -> float:
    return np.nan if value is None else float(value)
