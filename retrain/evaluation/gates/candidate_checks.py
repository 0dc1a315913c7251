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
from retrain.evaluation.companions.check import check_companions
from retrain.evaluation.companions.form_only import check_forms
from retrain.evaluation.gates.comparison import adjust_together, compare_systems
from retrain.evaluation.gates.error_budget import BETTER, level_of
from retrain.evaluation.gates.group_losses import check_groups
from retrain.evaluation.gates.judge_failures import judge_failure_checks, judge_failure_remarks
from retrain.evaluation.gates.least_items import MIN_ITEMS
from retrain.evaluation.gates.promotion_rule import combine_checks
from retrain.evaluation.gates.retention import check_retention
from retrain.evaluation.gates.separation import Distance, trivial_match
from retrain.evaluation.gates.stratum_losses import check_strata
from retrain.evaluation.gates.threshold_checks import check_over_refusal, check_thresholds
from retrain.evaluation.judge.verdicts import JudgedOverRefusal
from retrain.evaluation.metrics.scoring import Scores, summarise
from retrain.evaluation.trivial.measurement import (
    best_trivial_scores,
    measure_trivial,
    unmeasured_remarks,
)


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
    prompts must be responded to. On too few items nothing passes. Neither does what a trivial
    system would pass, too: see :mod:`~retrain.evaluation.gates.separation`.

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
    trivial = {b.name: measure_trivial(b, rng.spawn(1)[0]) for b in benchmarks}
    matches = {
        b.name: trivial_match(
            b,
            scores[CANDIDATE][b.name],
            scores[incumbent][b.name],
            trivial[b.name],
            split=primary[0].split,
            policy=policy,
            rng=rng.spawn(1)[0],
        )
        for b in benchmarks
        if primary
    }
    prompts = [name for name in (BASE, PROMPTED) if name in scores and name != incumbent]
    against_prompts = adjust_together([c for name in prompts for c in compare(name, "all")])
    checks = [_better_check(primary, incumbent, policy, matches)]
    checks += check_retention(benchmarks, old, scores[incumbent], trivial, policy)
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
    checks += check_groups(
        benchmarks,
        scores[CANDIDATE],
        scores[incumbent],
        policy,
        rng,
        reference_name=incumbent,
        base=None if incumbent == BASE else scores.get(BASE),
    )
    checks += check_companions(
        benchmarks, scores[CANDIDATE], scores[incumbent], policy, reference_name=incumbent
    )
    checks += check_forms(
        benchmarks, scores[CANDIDATE], scores[incumbent], policy, rng, reference_name=incumbent
    )
    checks += judge_failure_checks(benchmarks, scores)
    checks += further_checks
    return CandidateResults(
        gate_result=combine_checks(checks),
        checks=tuple(checks),
        comparisons=(*primary, *old, *against_prompts),
        p_better=min((c.adjusted_p_better for c in _better(primary, 1.0, matches)), default=1.0),
        scores=tuple(
            SystemScores(system, benchmark.name, tuple(_summary(benchmark, by_benchmark, rng)))
            for system, by_benchmark in scores.items()
            for benchmark in benchmarks
        ),
        remarks=(*_remarks(benchmarks, scores, (*primary, *old)), *further_remarks),
        trivial_scores=tuple(
            score for b in benchmarks for score in best_trivial_scores(b, trivial[b.name])
        ),
        dataset_digests={benchmark.name: benchmark.digest for benchmark in benchmarks},
        item_digests={benchmark.name: dict(benchmark.item_digests) for benchmark in benchmarks},
        policy=policy.model_dump(mode="json"),
        safety_suites=tuple(
            benchmark.name for benchmark in benchmarks if benchmark.is_safety_suite
        ),
        judge_preferences=dict(judge_preferences or {}),
    )


def _better_check(
    comparisons: Sequence[CandidateComparison],
    incumbent: str,
    policy: Gates,
    matches: Mapping[str, Distance | None],
) -> GateCheck:
    """Test superiority on new items; ``matches`` are trivial systems that do as well."""
    worse = [c for c in comparisons if c.adjusted_p_worse <= policy.alpha]
    level = level_of(policy.alpha, 1)
    better = [c for c in comparisons if c.adjusted_p_better <= level and c.n >= MIN_ITEMS]
    proven = _better(comparisons, level, matches)
    outcome: CheckOutcome = "failed" if worse else "passed" if proven else "undecided"
    label = worse or better or sorted(comparisons, key=lambda c: c.p_better)[:1]
    observed = "; ".join(map(str, label)) or "no metric applies to any item"
    if better and not proven and not worse:
        distance = matches[better[0].benchmark]
        observed += f"; a trivial system may do as well: the candidate has {distance}"
    return GateCheck(
        f"better than the {incumbent}",
        outcome,
        observed,
        f"better by at least one metric (of {len(comparisons)}) and worse by none, "
        f"p <= {level:g} after Holm, on at least {MIN_ITEMS} items; better than trivial systems",
        code=BETTER,
    )


def _better(
    comparisons: Sequence[CandidateComparison], level: float, matches: Mapping[str, Distance | None]
) -> list[CandidateComparison]:
    """Return the comparisons on enough items that show superiority to trivial systems, too."""
    return [
        c
        for c in comparisons
        if c.adjusted_p_better <= level and c.n >= MIN_ITEMS and matches.get(c.benchmark) is None
    ]


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
    remarks = [remark for b in benchmarks for remark in (*b.remarks(), *unmeasured_remarks(b))]
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
