"""Answers that a judge was asked about and didn't judge: counted, since a figure hides them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.gate_result import Check
from retrain.evaluation.judge.grounding import JudgedHallucination
from retrain.evaluation.metrics.metric import Metric
from retrain.evaluation.metrics.scoring import ItemScore

REQUIRED = "at most a tenth of the judgements failed"


@dataclass(frozen=True)
class JudgeFailures:
    """How many of the answers to a benchmark's items a judge has failed on."""

    n_failed: int
    n_asked: int
    #: The first failure's message.
    failure: str

    @property
    def too_many(self) -> bool:
        """Whether the others may be others than those that were asked for."""
        return self.n_failed > self.n_asked / 10

    def __str__(self) -> str:
        return f"{self.n_failed} of {self.n_asked} items weren't judged"


def unjudged(metric: Metric, scores: Sequence[ItemScore]) -> JudgeFailures | None:
    """Count what a metric's judge has failed on; ``None`` where nothing is amiss."""
    if not isinstance(metric, JudgedHallucination):
        return None
    asked = [one for one in scores if metric.applies_to(one.item)]
    n_failed = sum(metric.name not in one.values for one in asked)
    return JudgeFailures(n_failed, len(asked), metric.failure) if n_failed else None


def judge_failure_remarks(
    benchmarks: Sequence[Benchmark], scores: Mapping[str, Mapping[str, Sequence[ItemScore]]]
) -> list[str]:
    """Say of each system how many of its answers weren't judged, and why the first wasn't."""
    return [
        f"{benchmark.name}, {metric.name}: {found} (answers of the {system}); the first failure: "
        f"{found.failure}"
        for benchmark in benchmarks
        for metric in benchmark.metrics
        for system, by_benchmark in scores.items()
        if (found := unjudged(metric, by_benchmark[benchmark.name])) is not None
    ]


def judge_failure_checks(
    benchmarks: Sequence[Benchmark], scores: Mapping[str, Mapping[str, Sequence[ItemScore]]]
) -> list[Check]:
    """Return an undecided check for each metric whose judge failed on too much of any system."""
    checks = []
    for benchmark in benchmarks:
        for metric in benchmark.metrics:
            failed = {
                system: found
                for system, by_benchmark in scores.items()
                if (found := unjudged(metric, by_benchmark[benchmark.name])) is not None
                and found.too_many
            }
            if failed:
                seen = "; ".join(f"{system}: {found}" for system, found in failed.items())
                name = f"{benchmark.name}: {metric.name} was judged"
                checks.append(Check(name, "undecided", seen, REQUIRED))
    return checks
