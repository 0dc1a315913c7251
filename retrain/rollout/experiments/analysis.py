"""Analysis of an experiment: two versions compared by user, valid at any look.

Each user counts once, as the mean of the requests in the first hours after the first contact
(``exposure_hours``), and enters when that time is over. Users of one arm are matched to users of
the other who came in the same hour with the same task type, and their differences are bet on. So
the test is exact for any bounded metric and any number of looks, and needs no estimate of a
variance; an asymptotic confidence sequence of users' means so far would need one, and would treat a
mean that still changes with each visit as final. The price: a user's requests after that time count
for nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from retrain.rollout.checks.check import RolloutCheck
from retrain.rollout.checks.evidence import (
    RolloutEvidence,
    Tolerances,
    create_evidence,
    start_stage,
)
from retrain.rollout.checks.evidence_update import update
from retrain.rollout.checks.observations import Observations
from retrain.rollout.checks.results import CheckResult, check_results

#: ``better``, ``worse``: the treatment differs. ``equivalent``: by less than the margin.
MetricVerdict = Literal["better", "worse", "equivalent", "undecided"]
#: ``guard_broken``: a guard metric is worse, whatever the goals say. ``mixed``: goals contradict.
ExperimentVerdict = Literal["better", "worse", "equivalent", "mixed", "guard_broken", "undecided"]


@dataclass(frozen=True, eq=False)
class Experiment:
    """Evidence of an experiment; the arm ``is_canary`` of the observations is the treatment."""

    #: Tests that the treatment is worse, and that it is better.
    worse: RolloutEvidence
    better: RolloutEvidence
    #: Names of the metrics that must not get worse, and decide nothing else.
    guards: tuple[str, ...]


def create_experiment(
    goals: Sequence[RolloutCheck],
    guards: Sequence[RolloutCheck] = (),
    *,
    error: float = 0.05,
    margin: float = 0.10,
    seed: int = 0,
) -> Experiment:
    """Return an experiment before its first user.

    The treatment may improve ``goals``, and must not worsen ``guards``. ``error`` is the
    probability that any of all metrics is called better or worse though it isn't; ``margin`` the
    relative difference below which versions are equivalent; ``seed``, the experiment's id, that of
    the dealing.

    Raises:
        ValueError: There is no goal.
    """
    if not goals:
        raise ValueError("an experiment without a goal; name at least one metric")
    checks = [*goals, *guards]
    # Half of the error for each direction.
    tolerances = Tolerances(margin=margin, negligible=0.0, false_reverts=error / 2)
    mirrored = [replace(check, higher_is_better=not check.higher_is_better) for check in checks]
    return Experiment(
        worse=start_stage(create_evidence(checks, 1, tolerances, seed)),
        better=start_stage(create_evidence(mirrored, 1, tolerances, seed)),
        guards=tuple(check.name for check in guards),
    )


def completed_users(
    observations: Observations, look_hour: int, exposure_hours: int
) -> Observations:
    """Return the requests of users who complete their exposure in an hour, with their first hour.

    Users who met both versions, and requests without a user, are left out: they say nothing of one
    version.

    ``observations`` are all since ``look_hour - exposure_hours``, and of the same users before.
    """
    known = observations.take(observations.user >= 0)
    if not len(known):
        return known
    _, user = np.unique(known.user, return_inverse=True)
    user = user.reshape(-1)
    first = np.full(int(user.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, user, known.hour)
    n_canary = np.bincount(user, known.is_canary)
    one_arm = (n_canary == 0) | (n_canary == np.bincount(user))
    complete = (first + exposure_hours - 1 == look_hour) & one_arm
    chosen = complete[user] & (known.hour < first[user] + exposure_hours)
    return replace(known, hour=first[user]).take(chosen)


def update_experiment(experiment: Experiment, look_hour: int, users: Observations) -> Experiment:
    """Return the experiment after an hour; an hour that was looked at changes nothing.

    ``look_hour`` is since 1970. Users are from :func:`completed_users`; their columns are
    ``experiment.worse.metrics``.
    """
    return replace(
        experiment,
        worse=update(experiment.worse, look_hour, users),
        better=update(experiment.better, look_hour, users),
    )


def metric_results(experiment: Experiment) -> list[CheckResult]:
    """Return the result of each metric, goals first; its limits are valid at all looks together."""
    both = zip(check_results(experiment.worse), check_results(experiment.better), strict=True)
    return [
        _metric_result(check, worse, better, is_guard=check.name in experiment.guards)
        for check, (worse, better) in zip(experiment.worse.checks, both, strict=True)
    ]


def experiment_verdict(results: Sequence[CheckResult]) -> ExperimentVerdict:
    """Return the verdict of the whole experiment."""
    if any(result.verdict == "worse" for result in results if result.kind == "guard"):
        return "guard_broken"
    goals = {result.verdict for result in results if result.kind == "goal"}
    if {"better", "worse"} <= goals:
        return "mixed"
    if "worse" in goals:
        return "worse"
    if "better" in goals:
        return "better"
    return "equivalent" if goals == {"equivalent"} else "undecided"


def _metric_result(
    check: RolloutCheck, worse: CheckResult, better: CheckResult, *, is_guard: bool
) -> CheckResult:
    sign = -1.0 if check.higher_is_better else 1.0
    limits = None
    if worse.lower is not None and better.lower is not None:
        # The loss is at least `lower`; the mirrored loss, a gain, is at least its own `lower`.
        limits = sorted((sign * worse.lower, -sign * better.lower))
    verdict = _verdict(worse, better)
    return CheckResult(
        name=check.name,
        kind="guard" if is_guard else "goal",
        difference=None if worse.loss is None else sign * worse.loss,
        lower=limits[0] if limits else None,
        upper=limits[1] if limits else None,
        margin=worse.margin,
        n_pairs=worse.n_pairs,
        worse=verdict == "worse",
        verdict=verdict,
    )


def _verdict(worse: CheckResult, better: CheckResult) -> MetricVerdict:
    if worse.worse != better.worse:
        return "worse" if worse.worse else "better"
    if worse.not_worse and better.not_worse:
        return "equivalent"
    return "undecided"
