"""Differences of two requests by which the later one asks for less."""

from collections.abc import Iterator

from monitor.settings import Gates, Judge, Scoring, TrainingData
from monitor.settings.evaluation_file import BenchmarkPlan, EvaluationPlan, HumanEvaluationPlan
from retrain.evaluation.gates.threshold_checks import over_refusal_limit
from retrain.evaluation.metrics.catalogue import canonical_name
from retrain.evaluation.request import EvaluationRequest

#: Policies that are stronger when larger, and when smaller.
_LARGER, _SMALLER = ("confidence",), ("alpha", "margin", "human_margin", "max_over_refusal")
#: Rules of leakage that are stronger when smaller.
_LEAKAGE = ("min_leak_overlap", "leak_ngram_size", "min_duplicate_similarity")
_INSTRUMENTS = ("dtype", "sentence_model", "bertscore_model", "bertscore_layers")
#: A judge whose error is measured may replace the rule.
_JUDGED = ("refusal_rate", "over_refusal_rate")


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
    fields = [field for field in old.stratify_by if field not in new.stratify_by]
    if fields:
        yield f"{old.name}: not stratified by {', '.join(fields)}"
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
