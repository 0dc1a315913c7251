"""Results of the checks of a rollout and of the metrics of an experiment."""

from typing import Literal

import msgspec
import numpy as np

from monitor.statistics.betting import MOMENTS, lower_limit, upper_limit
from retrain.rollout.checks.evidence import RolloutEvidence

#: A check without a pair for so many hours is missing.
STALE_HOURS = 6

#: Why a check has no usable measurement: nothing measured yet; stable's level isn't known yet;
#: nothing for :data:`STALE_HOURS`; the canary is measured less often than stable.
Missing = Literal["", "unmeasured", "unknown_level", "stale", "measured_less"]


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """One check after an hour, as a look stores it and page, terminal and Slack show it.

    Losses are in the metric's unit; positive: the canary is worse. Of a check of kind ``limit``,
    the loss is the distance beyond the limit. The lower limit is above the negligible difference
    only if the check reverts; the upper limit is below the margin only if the check is shown. A
    metric of an experiment has a difference instead: treatment minus control.
    """

    name: str
    #: A :data:`~retrain.rollout.checks.check.Kind`; of an experiment ``goal`` or ``guard``.
    kind: str
    #: Mean loss of the canary over the rollout, and in this stage; ``None`` without a pair.
    loss: float | None = None
    stage_loss: float | None = None
    #: Confidence sequence: valid at all hours together. The lower limit is of the rollout, at the
    #: level of the revert; the upper one of this stage, at the level of the advance.
    lower: float | None = None
    upper: float | None = None
    margin: float | None = None
    negligible: float | None = None
    #: Stable's level before the rollout, or in its first hours.
    level: float | None = None
    #: Pairs in the rollout, and in this stage.
    n_pairs: int = 0
    n_stage_pairs: int = 0
    #: Wealth for "worse" and the wealth at which the check reverts.
    wealth_worse: float = 1.0
    wealth_to_revert: float = 1.0
    #: Wealth for "not worse by the margin" in this stage, and the wealth at which that is shown.
    wealth_not_worse: float = 1.0
    wealth_to_advance: float = 1.0
    not_worse: bool = False
    worse: bool = False
    #: A :data:`Missing`.
    missing: str = ""
    #: Whether the metric is a share, so that losses are points.
    is_share: bool = False
    #: Of an experiment: treatment minus control, and a
    #: :data:`~retrain.rollout.experiments.analysis.MetricVerdict`.
    difference: float | None = None
    verdict: str = ""

    @property
    def of_experiment(self) -> bool:
        """Whether it is a metric of an experiment."""
        return self.kind in {"goal", "guard"}


def check_results(evidence: RolloutEvidence, *, with_limits: bool = True) -> list[CheckResult]:
    """Return the result of each check; its confidence sequences, if wanted, decide nothing."""
    log_worse, log_not_worse = evidence.log_wealth_worse, evidence.log_wealth_not_worse
    results = []
    for k, check in enumerate(evidence.checks):
        margin, negligible = float(evidence.margins[k]), float(evidence.negligible[k])
        lower, upper = _limits(evidence, k) if with_limits else (-1.0, 1.0)
        n = evidence.sums[:, k, 0]
        known = not np.isnan(margin)
        level = evidence.level[k]
        results.append(
            CheckResult(
                name=check.name,
                kind=check.kind,
                loss=_mean(evidence, k, check.span, slice(None)),
                stage_loss=_mean(evidence, k, check.span, slice(evidence.stage, None)),
                lower=lower * check.span if n.sum() else None,
                upper=upper * check.span if n.sum() else None,
                margin=margin * check.span if known and check.is_paired else None,
                negligible=negligible * check.span if known else None,
                level=None if np.isnan(level) else float(level),
                n_pairs=int(n.sum()),
                n_stage_pairs=int(n[evidence.stage]) if evidence.stage >= 0 else 0,
                wealth_worse=_wealth(log_worse[k]),
                wealth_to_revert=1.0 / evidence.alpha,
                wealth_not_worse=_wealth(log_not_worse[k]),
                wealth_to_advance=1.0 / evidence.tolerances.false_advances,
                not_worse=bool(evidence.not_worse[k]) and check.is_paired,
                worse=bool(evidence.worse[k]),
                missing=_missing(evidence, k),
                is_share=check.span == 1.0 and check.lowest == 0.0,
            )
        )
    return results


def _limits(evidence: RolloutEvidence, k: int) -> tuple[float, float]:
    """Return both limits on the scale [0, 1]."""
    if evidence.stage < 0:
        return -1.0, 1.0
    since = evidence.sums[::-1, k].cumsum(axis=0)[::-1][: evidence.stage + 1]
    shares = np.array(evidence.onset_shares[: evidence.stage + 1])
    lower = lower_limit(since, shares, evidence.alpha, evidence.reserve)
    upper = upper_limit(since[-1:], np.ones(1), evidence.tolerances.false_advances)
    # The decisions' own wealth differs a little from the bound that these limits invert.
    negligible, margin = float(evidence.negligible[k]), float(evidence.margins[k])
    lower = max(lower, negligible) if evidence.worse[k] else min(lower, negligible)
    if evidence.checks[k].is_paired:
        upper = min(upper, margin) if evidence.not_worse[k] else max(upper, margin)
    return lower, max(upper, lower)


def _mean(evidence: RolloutEvidence, k: int, span: float, stages: slice) -> float | None:
    sums = evidence.sums[stages, k].sum(axis=0)
    weight = sums[MOMENTS.index("g")]
    return float(sums[MOMENTS.index("y")] / weight * span) if weight > 0 else None


def _missing(evidence: RolloutEvidence, k: int) -> Missing:
    if evidence.checks[k].is_paired and np.isnan(evidence.margins[k]):
        return "unknown_level"
    if evidence.last_pair[k] < 0:
        return "unmeasured"
    if evidence.last_hour - evidence.last_pair[k] >= STALE_HOURS:
        return "stale"
    return "measured_less" if evidence.measured_less[k] else ""


def _wealth(logarithm: float) -> float:
    return float(np.exp(min(logarithm, 700.0)))
