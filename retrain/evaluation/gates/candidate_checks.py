"""Checks of a candidate against the incumbent, the base model and the thresholds."""

from collections.abc import Mapping, Sequence

import numpy as np

from monitor.settings import Gates
from monitor.store.training.candidate_results import (
    BASE,
    CANDIDATE,
    INCUMBENT,
    PROMPTED,
    SYSTEM_NAMES,
    CandidateComparison,
    CandidateResults,
    CheckOutcome,
    GateCheck,
    StratumScore,
    SystemScores,
)
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.comparison import adjust_together, compare_systems
from retrain.evaluation.gates.judge_failures import judge_failure_checks, judge_failure_remarks
from retrain.evaluation.gates.least_items import MIN_ITEMS, least_items_for_retention
from retrain.evaluation.gates.promotion_rule import combine_checks
from retrain.evaluation.gates.stratum_losses import check_strata
from retrain.evaluation.gates.threshold_checks import check_over_refusal, check_thresholds
from retrain.evaluation.judge.verdicts import JudgedOverRefusal
from retrain.evaluation.metrics.scoring import ItemScore, summarise

#: Item scores of a system, by benchmark.
Scores = Mapping[str, Sequence[ItemScore]]


def apply_gates(
    benchmarks: Sequence[Benchmark],
    scores: Mapping[str, Scores],
    policy: Gates,
    rng: np.random.Generator,
    *,
    further_checks: Sequence[GateCheck] = (),
    further_remarks: Sequence[str] = (),
    judge_preferences: Mapping[str, str] | None = None,
    judged_over_refusal: JudgedOverRefusal | None = None,
) -> CandidateResults:
    """Apply the gates to a candidate and return its results.

    The candidate must be better than the incumbent by at least one metric and worse by none, after
    Holm's adjustment over all metrics, on the items of the split ``new``, or on all items if there
    are none. On items of the split ``old``, it must not be worse than the incumbent by more than
    the margin, by any metric. Every threshold must hold. If the base model with its prompt, or
    with examples in it, is better, fine-tuning did harm and the candidate is rejected. If no
    version serves yet, the base model with its prompt is the incumbent. With a safety suite, benign
    prompts must be responded to. On too few items nothing passes.

    ``scores`` are by system: ``candidate``, ``base`` and, if present, ``incumbent`` and
    ``prompted``; ``judge_preferences`` by ``benchmark/id``. Without a judge of over-refusals the
    rule counts them.

    Raises:
        InputError: The systems were not scored on the same items.
    """
    incumbent = INCUMBENT if INCUMBENT in scores else BASE

    def compare(reference: str, split: str) -> list[CandidateComparison]:
        return [
            comparison
            for benchmark in benchmarks
            for comparison in compare_systems(
                benchmark,
                scores[CANDIDATE][benchmark.name],
                scores[reference][benchmark.name],
                rng,
                name=reference,
                split=split,
                confidence=policy.confidence,
            )
        ]

    primary = adjust_together(compare(incumbent, "new") or compare(incumbent, "all"))
    old = adjust_together(compare(incumbent, "old"))
    prompts = [name for name in (BASE, PROMPTED) if name in scores and name != incumbent]
    against_prompts = adjust_together([c for name in prompts for c in compare(name, "all")])
    checks = [_better_check(primary, incumbent, policy)]
    checks += [_retention_check(comparison, policy) for comparison in old] or [_no_old_items()]
    for name in prompts:
        if own := [c for c in against_prompts if c.reference == name]:
            checks.append(_prompt_check(own, policy))
    for benchmark in benchmarks:
        candidate, reference = (scores[name][benchmark.name] for name in (CANDIDATE, incumbent))
        checks += check_thresholds(
            benchmark, candidate, policy, rng, reference, reference_name=incumbent
        )
    checks += check_over_refusal(
        benchmarks,
        scores[CANDIDATE],
        policy,
        rng,
        judged_over_refusal,
        reference=scores[incumbent],
        reference_name=incumbent,
    )
    checks += check_strata(
        benchmarks,
        scores[CANDIDATE],
        scores[incumbent],
        policy,
        rng,
        reference_name=incumbent,
    )
    checks += judge_failure_checks(benchmarks, scores)
    checks += further_checks
    return CandidateResults(
        gate_result=combine_checks(checks),
        checks=tuple(checks),
        comparisons=(*primary, *old, *against_prompts),
        scores=tuple(
            SystemScores(system, benchmark.name, tuple(_summary(benchmark, by_benchmark, rng)))
            for system, by_benchmark in scores.items()
            for benchmark in benchmarks
        ),
        remarks=(*_remarks(benchmarks, scores, (*primary, *old)), *further_remarks),
        dataset_digests={benchmark.name: benchmark.digest for benchmark in benchmarks},
        item_digests={benchmark.name: dict(benchmark.item_digests) for benchmark in benchmarks},
        policy=policy.model_dump(mode="json"),
        safety_suites=tuple(
            benchmark.name for benchmark in benchmarks if benchmark.is_safety_suite
        ),
        judge_preferences=dict(judge_preferences or {}),
    )


def _better_check(
    comparisons: Sequence[CandidateComparison], incumbent: str, policy: Gates
) -> GateCheck:
    worse = [c for c in comparisons if c.adjusted_p_worse <= policy.alpha]
    better = [c for c in comparisons if c.adjusted_p_better <= policy.alpha and c.n >= MIN_ITEMS]
    outcome: CheckOutcome = "failed" if worse else "passed" if better else "undecided"
    label = worse or better or sorted(comparisons, key=lambda c: c.p_better)[:1]
    return GateCheck(
        f"better than the {incumbent}",
        outcome,
        "; ".join(map(str, label)) or "no metric applies to any item",
        f"better by at least one metric (of {len(comparisons)}) and worse by none, "
        f"p <= {policy.alpha:g} after Holm, on at least {MIN_ITEMS} items",
        code="better",
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
        "no benchmark has items of the split 'old'",
        "items of the split 'old', for example from the original benchmark",
        code="retention",
    )


def _prompt_check(comparisons: Sequence[CandidateComparison], policy: Gates) -> GateCheck:
    """Test that the candidate is not worse than the base model, as it is prompted."""
    with_examples = comparisons[0].reference == PROMPTED
    worse = [c for c in comparisons if c.adjusted_p_worse <= policy.alpha]
    n_better = sum(c.adjusted_p_better <= policy.alpha for c in comparisons)
    weakest = min(comparisons, key=lambda c: c.p_worse)
    return GateCheck(
        f"not worse than the {SYSTEM_NAMES[comparisons[0].reference]}",
        "failed" if worse else "passed",
        "; ".join(map(str, worse))
        or f"significantly better by {n_better} of {len(comparisons)} metrics; weakest: {weakest}",
        f"worse by no metric, p <= {policy.alpha:g} after Holm",
        code="not_worse_than_prompted" if with_examples else "not_worse_than_base",
    )


def _summary(
    benchmark: Benchmark, by_benchmark: Scores, rng: np.random.Generator
) -> list[StratumScore]:
    fields = tuple(dict.fromkeys(("split", *benchmark.plan.stratify_by)))
    return summarise(
        by_benchmark[benchmark.name],
        rng,
        metrics=benchmark.metrics,
        fields=fields,
        joint=benchmark.plan.stratify_by,
    )


def _remarks(
    benchmarks: Sequence[Benchmark],
    scores: Mapping[str, Scores],
    comparisons: Sequence[CandidateComparison],
) -> list[str]:
    remarks = [remark for benchmark in benchmarks for remark in benchmark.remarks()]
    for benchmark in benchmarks:
        candidate = scores[CANDIDATE][benchmark.name]
        remarks += [
            f"{benchmark.name}: {metric.name} applies to no item"
            for metric in benchmark.metrics
            if metric not in benchmark.unconfigured
            and not any(metric.name in score.values for score in candidate)
        ]
    remarks += judge_failure_remarks(benchmarks, scores)
    remarks += [
        f"{comparison.benchmark}, {comparison.metric}: {comparison.n_unpaired} items without "
        "scores for both systems are omitted"
        for comparison in comparisons
        if comparison.n_unpaired
    ]
    return remarks
