"""Promote, reject or undecided: what a candidate showed beside the incumbent and the base."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from monitor.settings import Gates
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.comparison import Comparison, adjust_together, compare_systems
from retrain.evaluation.gates.gate_result import Check, GateResult, Outcome, combine
from retrain.evaluation.gates.judge_failures import judge_failure_checks, judge_failure_remarks
from retrain.evaluation.gates.thresholds import check_thresholds
from retrain.evaluation.metrics.scoring import ItemScore, StratumScore, summarise

#: Scores of a system, by benchmark.
Scores = Mapping[str, Sequence[ItemScore]]
CANDIDATE, INCUMBENT, BASE = "candidate", "incumbent", "base"


@dataclass(frozen=True)
class SystemScore:
    """Figures of one system on one benchmark, stratum by stratum."""

    system: str
    benchmark: str
    scores: tuple[StratumScore, ...]


@dataclass(frozen=True)
class CandidateResult:
    """The decision, and every number that led to it."""

    verdict: GateResult
    comparisons: tuple[Comparison, ...]
    scores: tuple[SystemScore, ...]
    remarks: tuple[str, ...]
    #: SHA-256 of each benchmark's data set.
    digests: Mapping[str, str]
    policy: Mapping[str, Any]
    #: Benchmarks that aren't about what people, or a judge, would like better.
    safety_suites: tuple[str, ...] = ()
    #: ``benchmark/id`` -> what a judge preferred, or that it failed.
    judgements: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return plain values, for ``json.dumps``."""
        return {
            "decision": self.verdict.decision,
            "checks": [asdict(check) for check in self.verdict.checks],
            "comparisons": [asdict(one) for one in self.comparisons],
            "scores": [asdict(one) for one in self.scores],
            "remarks": list(self.remarks),
            "benchmarks": dict(self.digests),
            "policy": dict(self.policy),
            "safety_suites": list(self.safety_suites),
            "judgements": dict(self.judgements),
        }


def apply_gates(
    benchmarks: Sequence[Benchmark],
    scores: Mapping[str, Scores],
    policy: Gates,
    rng: np.random.Generator,
    *,
    further_checks: Sequence[Check] = (),
    further_remarks: Sequence[str] = (),
) -> CandidateResult:
    """Judge a candidate.

    It must be better than the incumbent by at least one metric, and worse by none, after Holm over
    all of them: on the items of the split ``new`` where there are any, else on all. On the items of
    the split ``old`` it must not be worse than the incumbent by more than the margin, by any
    metric. Every threshold must hold. Where the base model with its prompt is better than the
    candidate, fine-tuning did harm, and the candidate is rejected. Where nothing serves yet, the
    base with its prompt is the incumbent.

    Args:
        benchmarks: What the systems were asked.
        scores: System (``candidate``, ``base`` and, where one serves, ``incumbent``) -> its scores.
        policy: Levels, margin and kind of gate.
        rng: Draws permutations and resamples.
        further_checks: What else was found, such as a judge's.
        further_remarks: What else a reader must know.

    Raises:
        InputError: The systems were not scored on the same items.
    """
    standing = INCUMBENT if INCUMBENT in scores else BASE

    def compared(other: str, items: str) -> list[Comparison]:
        return [
            one
            for benchmark in benchmarks
            for one in compare_systems(
                benchmark,
                scores[CANDIDATE][benchmark.name],
                scores[other][benchmark.name],
                rng,
                name=other,
                items=items,
                confidence=policy.confidence,
            )
        ]

    primary = adjust_together(compared(standing, "new") or compared(standing, "all"))
    old = adjust_together(compared(standing, "old"))
    against_base = (
        adjust_together(compared(BASE, "all")) if standing != BASE and BASE in scores else []
    )
    checks = [_better(primary, standing, policy)]
    checks += [_kept(one, policy) for one in old]
    if not old:
        checks.append(_nothing_old())
    if against_base:
        checks.append(_worth_it(against_base, policy))
    for benchmark in benchmarks:
        checks += check_thresholds(benchmark, scores[CANDIDATE][benchmark.name], policy, rng)
    checks += judge_failure_checks(benchmarks, scores)
    checks += further_checks
    return CandidateResult(
        verdict=combine(checks),
        comparisons=(*primary, *old, *against_base),
        scores=tuple(
            SystemScore(system, benchmark.name, tuple(_summary(benchmark, by_benchmark, rng)))
            for system, by_benchmark in scores.items()
            for benchmark in benchmarks
        ),
        remarks=(*_remarks(benchmarks, scores, (*primary, *old)), *further_remarks),
        digests={benchmark.name: benchmark.digest for benchmark in benchmarks},
        policy=policy.model_dump(),
        safety_suites=tuple(one.name for one in benchmarks if one.is_safety_suite),
    )


def _better(comparisons: Sequence[Comparison], other: str, policy: Gates) -> Check:
    worse = [one for one in comparisons if one.adjusted_p_worse <= policy.alpha]
    better = [one for one in comparisons if one.adjusted_p_better <= policy.alpha]
    outcome: Outcome = "failed" if worse else "passed" if better else "undecided"
    telling = worse or better or sorted(comparisons, key=lambda one: one.p_better)[:1]
    return Check(
        f"better than the {other}",
        outcome,
        "; ".join(map(str, telling)) or "no metric says anything",
        f"by one of {len(comparisons)} metrics and worse by none, p <= {policy.alpha:g} after Holm",
    )


def _kept(one: Comparison, policy: Gates) -> Check:
    """Test non-inferiority; every metric must pass, so none needs an adjustment."""
    if policy.gate == "point":
        outcome: Outcome = "passed" if one.difference >= -policy.margin - 1e-12 else "failed"
    elif one.bound >= -policy.margin:
        outcome = "passed"
    else:
        outcome = "failed" if one.difference < -policy.margin else "undecided"
    return Check(
        f"nothing forgotten: {one.benchmark}, {one.metric}",
        outcome,
        f"{one.other_mean:.3f} -> {one.candidate_mean:.3f} on {one.n} old items "
        f"({100 * one.difference:+.1f} points, surely above {100 * one.bound:+.1f})",
        f"down by at most {100 * policy.margin:g} points ({policy.gate})",
    )


def _nothing_old() -> Check:
    return Check(
        "nothing forgotten",
        "undecided",
        "no benchmark has items of the old tasks",
        "items of the split 'old', such as those of the original benchmark",
    )


def _worth_it(comparisons: Sequence[Comparison], policy: Gates) -> Check:
    worse = [one for one in comparisons if one.adjusted_p_worse <= policy.alpha]
    better = [one for one in comparisons if one.adjusted_p_better <= policy.alpha]
    least = min(comparisons, key=lambda one: one.p_worse)
    return Check(
        "not worse than the base model with its prompt",
        "failed" if worse else "passed",
        "; ".join(map(str, worse))
        or f"surely better by {len(better)} of {len(comparisons)} metrics; least so: {least}",
        f"worse by no metric at p <= {policy.alpha:g} after Holm",
    )


def _summary(
    benchmark: Benchmark, by_benchmark: Scores, rng: np.random.Generator
) -> list[StratumScore]:
    fields = tuple(dict.fromkeys(("split", *benchmark.plan.stratify_by)))
    return summarise(by_benchmark[benchmark.name], rng, metrics=benchmark.metrics, fields=fields)


def _remarks(
    benchmarks: Sequence[Benchmark],
    scores: Mapping[str, Scores],
    comparisons: Sequence[Comparison],
) -> list[str]:
    found = [remark for benchmark in benchmarks for remark in benchmark.remarks()]
    for benchmark in benchmarks:
        for metric in benchmark.metrics:
            given = scores[CANDIDATE][benchmark.name]
            if not any(metric.name in one.values for one in given):
                found.append(f"{benchmark.name}: {metric.name} says nothing of any item")
    found += judge_failure_remarks(benchmarks, scores)
    found += [
        f"{one.benchmark}, {one.metric}: {one.n_unpaired} items were scored for one of the two "
        "systems only and don't count"
        for one in comparisons
        if one.n_unpaired
    ]
    return found
