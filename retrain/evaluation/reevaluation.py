"""Second evaluation of a version: by rules and items that ask for no less than before."""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection

from monitor.errors import WorkflowError
from monitor.settings import Gates, Judge, Scoring, TrainingData
from monitor.settings.evaluation_file import BenchmarkPlan, EvaluationPlan, HumanEvaluationPlan
from monitor.store.training.candidate_evaluations import latest_evaluation_with_results
from monitor.store.training.candidate_results import CandidateResults, GateCheck
from monitor.store.training.registry import VersionRow
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.gates.threshold_checks import over_refusal_limit
from retrain.evaluation.metrics.catalogue import canonical_name
from retrain.evaluation.request import EvaluationRequest, as_request

#: Policies that are stronger when larger, and when smaller.
_LARGER, _SMALLER = ("confidence",), ("alpha", "margin", "human_margin", "max_over_refusal")
#: Rules of leakage that are stronger when smaller.
_LEAKAGE = ("min_leak_overlap", "leak_ngram_size", "min_duplicate_similarity")
_INSTRUMENTS = ("dtype", "sentence_model", "bertscore_model", "bertscore_layers")
#: A judge whose error is measured may replace the rule.
_JUDGED = ("refusal_rate", "over_refusal_rate")
_NAMED = 5
#: Largest share of items that may be removed or changed where a rejection is lifted.
MAX_CHANGED = 0.05


def prepare_reevaluation(
    connection: Connection, version: VersionRow, request: EvaluationRequest
) -> EvaluationRequest:
    """Return the request with the data sets of the version's last evaluation, if there was one.

    Otherwise a version would be evaluated by weaker and weaker rules until it passes.

    Raises:
        WorkflowError: The file or the settings ask for less than those of the last evaluation, or
            the version is rejected and there is no reason.
    """
    name = f"{version.model} version {version.version}"
    if version.stage == "rejected" and not request.reason.strip():
        raise WorkflowError(
            f"{name} is rejected; to evaluate it again, give a reason: driftwarden retrain "
            f"evaluate {version.training_run_id} --reason WHY",
            code="rejected",
        )
    before = latest_evaluation_with_results(connection, version.id)
    if before is None:
        return request
    weaker = list(weaknesses(request, as_request(before.request)))
    if weaker:
        raise WorkflowError(
            f"{name} was evaluated before, and this evaluation asks for less than evaluation "
            f"{before.id}: {'; '.join(weaker)}; ask for no less, or train a new version",
            code="weaker_evaluation",
        )
    return msgspec.structs.replace(
        request,
        evaluation_before=before.id,
        digests_before=dict(before.dataset_digests or {}),
        items_before=before.results.item_digests if before.results else {},
    )


def check_kept_items(
    benchmarks: Sequence[Benchmark], request: EvaluationRequest
) -> list[GateCheck]:
    """Check that the benchmarks of a second evaluation have all items of the one before.

    Items may be added. Without an item, or with another reference answer, the version may pass
    because the benchmark changed: the check is undecided, and a lead must decide. A version's first
    evaluation has no check.
    """
    if not request.evaluation_before:
        return []
    by_name = {benchmark.name: benchmark for benchmark in benchmarks}
    problems, n_added = [], 0
    for name, digest in request.digests_before.items():
        benchmark, before = by_name.get(name), request.items_before.get(name, {})
        if benchmark is None or benchmark.digest == digest:
            continue
        if not before:
            problems.append(f"{name}: another data set (its items are not recorded)")
            continue
        items = Counter(benchmark.item_digests.values())
        missing = Counter(before.values()) - items
        n_added += (items - Counter(before.values())).total()
        if missing:
            named = [item for item, entry in before.items() if entry in missing]
            more = ", ..." if len(named) > _NAMED else ""
            problems.append(
                f"{name}: {missing.total()} of {len(before)} items removed or changed "
                f"({', '.join(named[:_NAMED])}{more})"
            )
    return [
        GateCheck(
            f"every item of evaluation {request.evaluation_before} is there",
            "undecided" if problems else "passed",
            "; ".join(problems) or f"no item removed or changed, {n_added} added",
            "no item removed or changed since the version was last evaluated; items may be added",
            code="kept_items",
        )
    ]


def may_lift_rejection(request: EvaluationRequest, results: CandidateResults) -> bool:
    """Return whether an evaluation has nearly all items of the one that rejected the version.

    A few items may be corrected, and the check of kept items is undecided then. A benchmark that
    lost more shows nothing about the failed checks.
    """
    for name, digest in request.digests_before.items():
        if results.dataset_digests.get(name) == digest:
            continue
        before = request.items_before.get(name, {})
        now = Counter(results.item_digests.get(name, {}).values())
        if (Counter(before.values()) - now).total() > MAX_CHANGED * len(before) or not before:
            return False
    return True


def weaknesses(new: EvaluationRequest, old: EvaluationRequest) -> Iterator[str]:
    """Yield what a request asks less for than an earlier one."""
    yield from _weaker_plan(new.plan, old.plan)
    yield from _weaker_policy(new.policy, old.policy)
    limits = [over_refusal_limit(each.plan.benchmarks, each.policy) for each in (new, old)]
    if limits[0] > limits[1] and new.policy.max_over_refusal <= old.policy.max_over_refusal:
        yield f"over_refusal: <= {limits[0]:g} instead of <= {limits[1]:g}"
    yield from _weaker_judge(new.judging, old.judging)
    yield from _weaker_scoring(new.answering, old.answering)
    yield from _weaker_leakage(new.data_rules, old.data_rules)
    for field in ("examples", "max_tokens"):
        now, before = getattr(new.few_shot, field), getattr(old.few_shot, field)
        if now < before and old.few_shot.examples:
            yield f"prompted.{field}: {now} instead of {before}"
    if old.base_prompt and not new.base_prompt:
        yield "no system prompt of the base"
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
    else:
        yield from _weaker_human_evaluation(new.human_eval, old.human_eval)


def _weaker_human_evaluation(new: HumanEvaluationPlan, old: HumanEvaluationPlan) -> Iterator[str]:
    for field in ("sample_size", "reviewers"):
        now, before = getattr(new, field), getattr(old, field)
        if now < before:
            yield f"human_eval.{field}: {now} instead of {before}"
    if new.rating_scale != old.rating_scale:
        yield f"human_eval.rating_scale: {new.rating_scale} instead of {old.rating_scale}"
    missing = sorted(set(old.dimensions) - set(new.dimensions))
    if missing:
        yield f"human_eval without the dimensions {', '.join(missing)}"


def _weaker_benchmark(new: BenchmarkPlan, old: BenchmarkPlan) -> Iterator[str]:
    names = {canonical_name(metric) for metric in new.metric_names}
    for metric in old.metric_names:
        if not names & _equivalents(metric):
            yield f"{old.name}: no metric {metric}"
    limits = {canonical_name(threshold.metric): threshold.limit for threshold in new.thresholds}
    for threshold in old.thresholds:
        before = threshold.limit
        equal = [limits[name] for name in _equivalents(threshold.metric) if name in limits]
        if not equal:
            yield f"{old.name}: no threshold of {threshold.metric}"
        elif not any(before.holds(limit.value) or limit == before for limit in equal):
            yield f"{old.name}: {threshold.metric} {equal[0]} instead of {before}"


def _equivalents(metric: str) -> set[str]:
    return {canonical_name(metric), *(f"judged_{name}" for name in _JUDGED if name == metric)}


def _weaker_policy(new: Gates, old: Gates) -> Iterator[str]:
    if old.gate == "bound" and new.gate == "point":
        yield "gates.gate: point instead of bound"
    for field in (*_LARGER, *_SMALLER):
        now, before = getattr(new, field), getattr(old, field)
        if now < before if field in _LARGER else now > before:
            yield f"gates.{field}: {now:g} instead of {before:g}"


def _weaker_judge(new: Judge, old: Judge) -> Iterator[str]:
    if not old.url:
        return
    if not new.url:
        yield "no judge"
        return
    if new.model != old.model:
        yield f"judge.model: {new.model} instead of {old.model}"
    if old.labels and not new.labels:
        yield "no judge.labels"
    changed = [name for name, rubric in old.rubrics.items() if new.rubrics.get(name) != rubric]
    if changed:
        yield f"judge.rubrics: other ones of {', '.join(sorted(changed))}"


def _weaker_scoring(new: Scoring, old: Scoring) -> Iterator[str]:
    if new.max_new_tokens < old.max_new_tokens:
        yield f"scoring.max_new_tokens: {new.max_new_tokens} instead of {old.max_new_tokens}"
    for field in _INSTRUMENTS:
        now, before = getattr(new, field), getattr(old, field)
        if now != before:
            yield f"scoring.{field}: {now} instead of {before}"


def _weaker_leakage(new: TrainingData, old: TrainingData) -> Iterator[str]:
    for field in _LEAKAGE:
        now, before = getattr(new, field), getattr(old, field)
        if now > before:
            yield f"data.{field}: {now:g} instead of {before:g}"
