"""Retention of old abilities: nothing forgotten, on benchmarks that could fail."""

from collections.abc import Mapping, Sequence

import msgspec

from monitor.settings import Gates
from monitor.store.training.candidate_results import CandidateComparison, CheckOutcome, GateCheck
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.least_items import least_items_for_retention
from retrain.evaluation.gates.separation import (
    MARGINS,
    Distance,
    can_fail,
    is_safety_limit,
    retention_distance,
)
from retrain.evaluation.metrics.scoring import ItemScore
from retrain.evaluation.trivial.measurement import TrivialSystem


def check_retention(
    benchmarks: Sequence[Benchmark],
    comparisons: Sequence[CandidateComparison],
    incumbent: Mapping[str, Sequence[ItemScore]],
    trivial: Mapping[str, Sequence[TrivialSystem]],
    policy: Gates,
) -> list[GateCheck]:
    """Test retention by each metric of each benchmark with old items."""
    checks = []
    n_limits = 0
    for benchmark in benchmarks:
        distance = retention_distance(
            benchmark, incumbent[benchmark.name], trivial[benchmark.name], policy
        )
        for comparison in comparisons:
            if comparison.benchmark == benchmark.name:
                check = _retention_check(comparison, policy)
                is_limit = is_safety_limit(benchmark, comparison.metric)
                n_limits += is_limit
                if check.outcome == "passed" and not is_limit and not can_fail(distance, policy):
                    check = _unable_to_fail(check, distance, policy)
                checks.append(check)
    return checks if n_limits < len(checks) else [*checks, _no_old_items()]


def _unable_to_fail(check: GateCheck, distance: Distance | None, policy: Gates) -> GateCheck:
    least = f"{100 * MARGINS * policy.margin:g} points"
    why = f"the reference has {distance}" if distance else "no trivial system was measured"
    return msgspec.structs.replace(
        check,
        outcome="undecided",
        observed=f"{check.observed}; it cannot fail: {why}",
        required=f"{check.required} on which the reference is {least} above every trivial system",
    )


def _retention_check(comparison: CandidateComparison, policy: Gates) -> GateCheck:
    """Test non-inferiority on old items; no adjustment, because every metric must pass."""
    difference, lower_bound = comparison.difference, comparison.lower_bound
    least = least_items_for_retention(policy)
    if comparison.n < least:
        outcome: CheckOutcome = "failed" if comparison.upper_bound < -policy.margin else "undecided"
    elif policy.gate == "point":
        outcome = "passed" if difference >= -policy.margin - 1e-12 else "failed"
    elif lower_bound >= -policy.margin:
        outcome = "passed"
    else:
        outcome = "failed" if difference < -policy.margin else "undecided"
    return GateCheck(
        f"nothing forgotten: {comparison.benchmark}, {comparison.metric}",
        outcome,
        f"{comparison.reference_mean:.3f} -> {comparison.candidate_mean:.3f} on {comparison.n} old "
        f"items ({100 * difference:+.1f} points, at least {100 * lower_bound:+.1f} at "
        f"{policy.confidence:.0%} confidence)",
        f"a loss of at most {100 * policy.margin:g} points ({policy.gate}), on at least {least} "
        "items",
        code="retention",
        benchmark=comparison.benchmark,
        metric=comparison.metric,
    )


def _no_old_items() -> GateCheck:
    return GateCheck(
        "nothing forgotten",
        "undecided",
        "no benchmark but safety suites has items of the split 'old'",
        "items of the split 'old', for example from the original benchmark",
        code="retention",
    )
