"""Responses without a judgement; a metric's mean excludes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.store.training.candidate_results import SYSTEM_NAMES, GateCheck
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.judge.reference_score import JudgedScore
from retrain.evaluation.judge.verdicts import NO_JUDGE, JudgedVerdict
from retrain.evaluation.metrics.metric import Metric
from retrain.evaluation.metrics.scoring import ItemScore

REQUIRED = "at most 10% of the judgements failed"


@dataclass(frozen=True)
class JudgeFailures:
    """The number of responses to a benchmark on which the judge failed."""

    n_failed: int
    n_judged: int
    #: The first failure's message.
    failure: str
    #: Whether a judge is configured; else the responses lack a label.
    has_judge: bool = True

    @property
    def too_many(self) -> bool:
        """Whether too many failed, so that the judged items may not be representative."""
        return self.n_failed > self.n_judged / 10

    def __str__(self) -> str:
        if not self.has_judge:
            return (
                f"{self.n_failed} of {self.n_judged} responses have no label, and no judge is "
                f"configured: set {NO_JUDGE}"
            )
        return f"the judge failed on {self.n_failed} of {self.n_judged} items"


def judge_failures(metric: Metric, scores: Sequence[ItemScore]) -> JudgeFailures | None:
    """Count the responses on which a metric's judge failed; ``None``: none, or no judge."""
    if not isinstance(metric, JudgedVerdict | JudgedScore):
        return None
    has_judge = isinstance(metric, JudgedScore) or metric.has_judge
    if isinstance(metric, JudgedVerdict) and not metric.is_configured:
        return None
    judgements = [score for score in scores if metric.applies_to(score.item)]
    n_failed = sum(metric.name not in score.values for score in judgements)
    if not n_failed:
        return None
    return JudgeFailures(n_failed, len(judgements), metric.failure, has_judge)


def judge_failure_remarks(
    benchmarks: Sequence[Benchmark], scores: Mapping[str, Mapping[str, Sequence[ItemScore]]]
) -> list[str]:
    """Describe the judge's failures on the responses of each system, with the first message."""
    return [
        f"{benchmark.name}, {metric.name}: {failures} (responses of the {SYSTEM_NAMES[system]}); "
        f"first failure: {failures.failure}"
        for benchmark in benchmarks
        for metric in benchmark.metrics
        for system, by_benchmark in scores.items()
        if (failures := judge_failures(metric, by_benchmark[benchmark.name])) is not None
    ]


def judge_failure_checks(
    benchmarks: Sequence[Benchmark], scores: Mapping[str, Mapping[str, Sequence[ItemScore]]]
) -> list[GateCheck]:
    """Return an undecided check per metric whose judge failed on more than 10% of a system."""
    checks = []
    for benchmark in benchmarks:
        for metric in benchmark.metrics:
            failed = {
                system: failures
                for system, by_benchmark in scores.items()
                if (failures := judge_failures(metric, by_benchmark[benchmark.name])) is not None
                and failures.too_many
            }
            if failed:
                observed = "; ".join(
                    f"{SYSTEM_NAMES[system]}: {text}" for system, text in failed.items()
                )
                name = f"{benchmark.name}: {metric.name} was judged"
                checks.append(
                    GateCheck(
                        name,
                        "undecided",
                        observed,
                        REQUIRED,
                        code="judge_failures",
                        benchmark=benchmark.name,
                        metric=metric.name,
                    )
                )
    return checks
