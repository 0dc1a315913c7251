"""Second evaluation of a rejected version: with a reason, by rules that ask for no less."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.settings import Gates
from monitor.settings.evaluation_file import BenchmarkPlan, EvaluationPlan
from monitor.store.training.candidate_evaluations import (
    CandidateEvaluationRow,
    latest_succeeded_evaluation,
)
from monitor.store.training.candidate_results import CANDIDATE, Check
from monitor.store.training.registry import VersionRow
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.metrics.catalogue import canonical_name
from retrain.evaluation.request import EvaluationRequest, as_request

#: Policies that are stronger when larger, and when smaller.
_LARGER, _SMALLER = ("confidence",), ("alpha", "margin", "human_margin", "max_over_refusal")


def prepare_reevaluation(
    connection: Connection, version: VersionRow, request: EvaluationRequest
) -> EvaluationRequest:
    """Return the request with the figures of the last evaluation, if a version is rejected.

    Raises:
        WorkflowError: The version is rejected, and there is no reason, or the file or the settings
            ask for less than those of its last evaluation; the message lists what.
    """
    if version.stage != "rejected":
        return request
    name = f"{version.model} version {version.version}"
    if not request.reason.strip():
        raise WorkflowError(
            f"{name} is rejected; to evaluate it again, give a reason: driftwarden retrain "
            f"evaluate {version.training_run_id} --reason WHY",
            code="rejected",
        )
    before = latest_succeeded_evaluation(connection, version.id)
    if before is None:
        return request
    weaker = list(weaknesses(request, as_request(before.request)))
    if weaker:
        raise WorkflowError(
            f"{name} is rejected, and this evaluation asks for less than evaluation {before.id}: "
            f"{'; '.join(weaker)}",
            code="weaker_evaluation",
        )
    return msgspec.structs.replace(
        request,
        least_items=_n_items(before),
        digests_before=dict(before.dataset_digests or {}),
    )


def _n_items(row: CandidateEvaluationRow) -> dict[str, int]:
    """Return the number of items that an evaluation scored, by benchmark."""
    if row.results is None:
        return {}
    return {
        scores.benchmark: max((score.n for score in scores.scores if not score.stratum), default=0)
        for scores in row.results.scores
        if scores.system == CANDIDATE
    }


def check_as_many_items(
    benchmarks: Sequence[Benchmark], least: Mapping[str, int], digests: Mapping[str, str]
) -> tuple[list[Check], list[str]]:
    """Check that the benchmarks of a second evaluation have as many items as in the first.

    Args:
        benchmarks: The benchmarks.
        least: Benchmark -> number of items in the first evaluation; empty: there was none.
        digests: Benchmark -> SHA-256 of its data set in the first evaluation.

    Returns:
        A check, undecided if a benchmark has fewer items, and remarks on changed data sets.
    """
    if not least:
        return [], []
    n_items = {benchmark.name: len(benchmark.items) for benchmark in benchmarks}
    fewer = [f"{name}: {n_items.get(name, 0)} of {n}" for name, n in sorted(least.items())
             if n_items.get(name, 0) < n]  # fmt: skip
    check = Check(
        "as many items as when it was rejected",
        "undecided" if fewer else "passed",
        "; ".join(fewer) or f"{sum(n_items.values())} items",
        "no benchmark with fewer items than in the evaluation before",
        code="as_many_items",
    )
    remarks = [
        f"{benchmark.name}: WARNING: the data set changed since the version was rejected"
        for benchmark in benchmarks
        if digests.get(benchmark.name, benchmark.digest) != benchmark.digest
    ]
    return [check], remarks


def weaknesses(new: EvaluationRequest, old: EvaluationRequest) -> Iterator[str]:
    """Yield what a request asks less for than an earlier one."""
    yield from _weaker_plan(new.plan, old.plan)
    yield from _weaker_policy(new.policy, old.policy)
    if old.judging.url and not new.judging.url:
        yield "no judge"
    now, before = new.few_shot.examples, old.few_shot.examples
    if now < before:
        yield f"prompted.examples: {now} instead of {before}"
    missing = sorted(set(old.task_types) - set(new.task_types))
    if missing:
        yield f"task types that needn't be covered: {', '.join(missing)}"


def _weaker_plan(new: EvaluationPlan, old: EvaluationPlan) -> Iterator[str]:
    by_name = {benchmark.name: benchmark for benchmark in new.benchmarks}
    for benchmark in old.benchmarks:
        if benchmark.name not in by_name:
            yield f"no benchmark {benchmark.name!r}"
        else:
            yield from _weaker_benchmark(by_name[benchmark.name], benchmark)
    if old.human_eval is None:
        return
    if new.human_eval is None:
        yield "no human_eval"
        return
    for field in ("sample_size", "reviewers"):
        now, before = getattr(new.human_eval, field), getattr(old.human_eval, field)
        if now < before:
            yield f"human_eval.{field}: {now} instead of {before}"
    missing = sorted(set(old.human_eval.dimensions) - set(new.human_eval.dimensions))
    if missing:
        yield f"human_eval without the dimensions {', '.join(missing)}"


def _weaker_benchmark(new: BenchmarkPlan, old: BenchmarkPlan) -> Iterator[str]:
    for metric in old.metric_names:
        if canonical_name(metric) not in map(canonical_name, new.metric_names):
            yield f"{old.name}: no metric {metric}"
    limits = {canonical_name(threshold.metric): threshold.limit for threshold in new.thresholds}
    for threshold in old.thresholds:
        limit = limits.get(canonical_name(threshold.metric))
        before = threshold.limit
        if limit is None:
            yield f"{old.name}: no threshold of {threshold.metric}"
        elif not before.holds(limit.value) and limit != before:
            yield f"{old.name}: {threshold.metric} {limit} instead of {before}"


def _weaker_policy(new: Gates, old: Gates) -> Iterator[str]:
    if old.gate == "bound" and new.gate == "point":
        yield "gates.gate: point instead of bound"
    for field in (*_LARGER, *_SMALLER):
        now, before = getattr(new, field), getattr(old, field)
        if now < before if field in _LARGER else now > before:
            yield f"gates.{field}: {now:g} instead of {before:g}"
