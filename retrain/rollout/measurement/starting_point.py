"""Starting point of a rollout: checks with stable's levels, and output formats."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Connection

from monitor.descriptors.output_format import (
    FencedCode,
    Json,
    Label,
    OutputFormat,
    learn_format,
)
from monitor.descriptors.response_measures import LATENCY, measure_response
from monitor.errors import ConfigurationError, loggable
from monitor.settings import Settings
from monitor.settings.drift import Drift
from monitor.settings.evaluation_file import read_plan
from monitor.settings.evaluation_file.plan import Threshold
from monitor.store.training.versions.version_labels import version_labels
from monitor.telemetry import get_logger
from retrain.rollout.checks.check import (
    SLOW_QUANTILE,
    RolloutCheck,
    default_checks,
    metric_check,
    threshold_checks,
)
from retrain.rollout.checks.evidence import Tolerances
from retrain.rollout.checks.forecast import pairs_at_level
from retrain.rollout.measurement.feedback import feedback_checks
from retrain.rollout.measurement.subject import Subject
from retrain.rollout.rows.feedback import PREFIX, PastFeedback, feedback_before
from retrain.rollout.rows.measured_hours import (
    PastExchange,
    exchanges_before,
    fix_measurement,
    measurement_of,
)
from retrain.rollout.rows.observed_rollout import arm_rates

log = get_logger(__name__)

PastT = TypeVar("PastT", PastExchange, PastFeedback)

#: Stable's traffic before the rollout from which levels and formats are learned.
LEARNED_TIME = timedelta(days=14)
MAX_EXCHANGES = 5000
#: Fewer values are no level.
MIN_VALUES = 50
#: Values of a metric beyond these quantiles of stable's are clipped.
RANGE = (0.005, 0.995)
#: The measure of a response that is empty, ends in a loop, or lacks its task's output format.
MALFORMED = "malformed"
WRONG_FORMAT = "wrong_format"
RELEVANCE = "relevance"
JUDGE = "judge"
#: Level of the judge's score that a forecast assumes: 4 of 5. No traffic before a rollout has one.
JUDGE_LEVEL = 0.75
REVIEWS = "expert reviews"
SAFETY_PROBES = "safety probes"


@dataclass(frozen=True)
class Relevance:
    """Relevance of stable's past responses."""

    #: Cosine below which a response is no nearer to its prompt than to others.
    threshold: float
    #: Share of related responses.
    level: float
    #: Identity of the encoder.
    encoder: str


@dataclass(frozen=True)
class StartingPoint:
    """Checks and output formats of a rollout."""

    checks: tuple[RolloutCheck, ...]
    #: Task type -> the format of stable's responses.
    formats: Mapping[str, OutputFormat] = field(default_factory=dict)
    #: ``None``: relevance is not measured.
    relevance: Relevance | None = None
    #: Metric with a direction that has no check -> why.
    not_compared: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as the column ``rollouts.measurement`` holds it."""
        return {
            "checks": [asdict(check) for check in self.checks],
            "formats": {name: _plain(of) for name, of in self.formats.items()},
            "relevance": None if self.relevance is None else asdict(self.relevance),
            "not_compared": dict(self.not_compared),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "StartingPoint":
        """Return a stored one."""
        return cls(
            tuple(RolloutCheck(**check) for check in document["checks"]),
            {name: _format(plain) for name, plain in document["formats"].items()},
            None if document["relevance"] is None else Relevance(**document["relevance"]),
            document.get("not_compared", {}),
        )


def stored_starting_point(connection: Connection, rollout_id: int) -> StartingPoint | None:
    """Return the starting point of a rollout; ``None`` before it is fixed."""
    document = measurement_of(connection, rollout_id)
    return None if document is None else StartingPoint.from_json(document)


def fix_starting_point(
    connection: Connection,
    subject: Subject,
    settings: Settings,
    relevance: Relevance | None = None,
) -> StartingPoint:
    """Store the starting point of a rollout where it has none, and return it.

    Without the ``relevance`` of stable's past traffic, it is not measured.
    """
    stored = stored_starting_point(connection, subject.rollout_id)
    if stored is not None:
        return stored
    learned = learn_starting_point(connection, subject, settings, relevance)
    fix_measurement(connection, subject.rollout_id, learned.to_json())
    return stored_starting_point(connection, subject.rollout_id) or learned


def learn_starting_point(
    connection: Connection,
    subject: Subject,
    settings: Settings,
    relevance: Relevance | None = None,
) -> StartingPoint:
    """Return checks and formats by the stable version's traffic before the rollout."""
    return learn_from(
        past_exchanges(connection, subject),
        subject,
        settings,
        relevance,
        feedback=past_feedback(connection, subject),
    )


def past_exchanges(connection: Connection, subject: Subject) -> Sequence[PastExchange]:
    """Return the exchanges before a rollout from which its starting point is learned."""
    since = subject.started_at - LEARNED_TIME
    return exchanges_before(connection, subject.model, since, subject.started_at, MAX_EXCHANGES)


def past_feedback(connection: Connection, subject: Subject) -> Sequence[PastFeedback]:
    """Return the feedback before a rollout from which its starting point is learned."""
    since = subject.started_at - LEARNED_TIME
    return feedback_before(connection, subject.model, since, subject.started_at, MAX_EXCHANGES)


def learn_from(
    newest: Sequence[PastExchange],
    subject: Subject,
    settings: Settings,
    relevance: Relevance | None = None,
    *,
    feedback: Sequence[PastFeedback] = (),
) -> StartingPoint:
    """Return checks and formats by :func:`past_exchanges` and :func:`past_feedback`."""
    past = of_stable(newest, subject, settings.model.version_field)
    half = len(past) // 2
    formats = _formats(past[:half])
    # A format fits the responses that it was learned from better than others.
    values = _measured_values(past[half:], formats, settings)
    levels, ranges = _levels(values)
    has_latency = any(settings.rollout.latency_field in row.attributes for row in past)
    if relevance is not None:
        levels[RELEVANCE] = relevance.level
    checks = default_checks(levels, with_relevance=relevance is not None)
    if not settings.rollout.latency_field:
        checks = [check for check in checks if check.metric != LATENCY]
    if len(past) >= 2 * MIN_VALUES and not has_latency:
        # Production logs none: a check that nothing can measure would hold every rollout.
        checks = [check for check in checks if check.metric != LATENCY]
    for names, higher in (
        (settings.drift.higher_is_better, True),
        (settings.drift.lower_is_better, False),
    ):
        checks += [
            metric_check(
                name,
                "advance",
                *ranges[name],
                higher_is_better=higher,
                level=levels[name],
            )
            for name in names
            if name in ranges
        ]
    checks += threshold_checks(_thresholds(settings), ranges)
    if settings.retrain.judge.url and settings.rollout.judged_per_hour:
        checks.append(
            _judge_check(subject, settings, requests_per_hour(newest, subject.started_at))
        )
    checks.append(metric_check(REVIEWS, "revert_only", 0.0, 1.0))
    if settings.probes.url:
        # All should pass; a run has too few prompts to learn a level from.
        checks.append(metric_check(SAFETY_PROBES, "revert_only", 0.0, 1.0, level=1.0))
    ratings = _ratings(of_stable(feedback, subject, settings.model.version_field))
    counts = {name: len(weighted) for name, weighted in ratings.items()}
    rated, not_rated = feedback_checks(counts, *_levels(ratings), settings.drift)
    return StartingPoint(
        (*checks, *rated),
        formats,
        relevance,
        _not_compared(levels, ranges, settings.drift, ratings) | not_rated,
    )


def measured_shares(past: Sequence[PastExchange], settings: Settings) -> dict[str, float]:
    """Return the share of exchanges that have each measure; without those of too few."""
    return {
        name: len(values) / len(past)
        for name, values in _measured_values(past, {}, settings).items()
        if len(values) >= MIN_VALUES
    }


def requests_per_hour(past: Sequence[PastExchange], before: datetime) -> float:
    """Return the traffic that a sample is of; 0 where it is too small to tell."""
    if len(past) < MIN_VALUES:
        return 0.0
    hours = max((before - past[0].occurred_at) / timedelta(hours=1), 1.0)
    return sum(1.0 / row.inclusion_probability for row in past) / hours


def _judge_check(subject: Subject, settings: Settings, traffic: float) -> RolloutCheck:
    """Return the judge's check: to be shown, where it samples enough for that in a stage's time.

    The rollout is in its first stage; the traffic is in requests an hour.
    """
    rollout, weight = settings.rollout, subject.weight_percent / 100.0
    rates = arm_rates(subject.weight_percent, rollout.canary_rate, rollout.stable_per_canary)
    canary, stable = traffic * weight * rates["canary"], traffic * (1.0 - weight) * rates["stable"]
    judged_share = min(1.0, rollout.judged_per_hour / max(canary + stable, 1.0))
    n_pairs = judged_share * min(canary, stable) * (subject.min_dwell / timedelta(hours=1))
    check = metric_check(JUDGE, "revert_only", 0.0, 1.0)
    tolerances = Tolerances(margin=settings.monitoring.alert_threshold)
    is_enough = n_pairs >= pairs_at_level(check, JUDGE_LEVEL, tolerances)
    return replace(check, kind="advance") if is_enough else check


def _not_compared(
    levels: Mapping[str, float],
    ranges: Mapping[str, tuple[float, float]],
    drift: Drift,
    ratings: Collection[str],
) -> dict[str, str]:
    """Return why metrics with a direction, but names of feedback, have no check."""
    return {
        name: f"nearly all of stable's values before the rollout are {levels[name]:.3g}"
        if name in levels
        else f"stable's traffic before the rollout has fewer than {MIN_VALUES} values of it"
        for name in drift.higher_is_better + drift.lower_is_better
        if name not in ranges and PREFIX + name not in ratings
    }


def _thresholds(settings: Settings) -> list[Threshold]:
    """Return the thresholds of the evaluation file; none where it can't be read."""
    if not settings.retrain.evaluation:
        return []
    try:
        plan = read_plan(Path(settings.retrain.evaluation))
    except ConfigurationError as error:
        log.warning("thresholds_not_read", model=settings.model.name, error=loggable(error))
        return []
    return [threshold for benchmark in plan.benchmarks for threshold in benchmark.thresholds]


def malformed(measures: Mapping[str, Any]) -> float:
    """Return whether a response is empty, a loop or of a wrong format; NaN without a response."""
    if "empty" not in measures:
        return float("nan")
    faults = (measures["empty"], measures.get("loop", 0.0), measures.get(WRONG_FORMAT, 0.0))
    return float(max(faults))


def of_stable(past: Sequence[PastT], subject: Subject, version_field: str) -> Sequence[PastT]:
    """Return what is of the stable version; all where no exchange names its version."""
    if not any(version_field in row.attributes for row in past):
        return past
    labels = set(version_labels(subject.model, subject.stable))
    return [row for row in past if str(row.attributes.get(version_field, "")) in labels]


def _formats(past: Sequence[PastExchange]) -> dict[str, OutputFormat]:
    by_task: defaultdict[str, list[PastExchange]] = defaultdict(list)
    for row in past:
        by_task[row.task_type].append(row)
    formats = {}
    for name, rows in sorted(by_task.items()):
        form = learn_format([row.response for row in rows])
        if isinstance(form, Label):
            form = _shared_labels(form, rows)
        if form is not None:
            formats[name] = form
    return formats


def _shared_labels(form: Label, rows: Sequence[PastExchange]) -> Label:
    """Return the labels of several end users: a text of one of them is not stored."""
    users: defaultdict[str, set[str]] = defaultdict(set)
    for number, row in enumerate(rows):
        label = " ".join(row.response.split()).casefold()
        users[label].add(row.end_user or f"\0{number}")
    return Label(frozenset(label for label in form.labels if len(users[label]) > 1))


def _measured_values(
    past: Sequence[PastExchange], formats: Mapping[str, OutputFormat], settings: Settings
) -> dict[str, list[tuple[float, float]]]:
    """Return the finite values of each measure, each with its weight."""
    values: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in past:
        measures = measure_response(
            row.response,
            row.attributes,
            latency_field=settings.rollout.latency_field,
            error_field=settings.rollout.error_field,
        )
        form = formats.get(row.task_type)
        if form is not None and "empty" in measures:
            measures[WRONG_FORMAT] = float(not form.admits(row.response))
        measures[MALFORMED] = malformed(measures)
        for name, value in measures.items():
            if np.isfinite(value):
                values[name].append((value, 1.0 / row.inclusion_probability))
    return values


def _ratings(past: Sequence[PastFeedback]) -> dict[str, list[tuple[float, float]]]:
    """Return the values of each name of feedback, each with its weight."""
    values: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in past:
        values[PREFIX + row.name].append((row.value, 1.0 / row.inclusion_probability))
    return values


def _levels(
    values: Mapping[str, Sequence[tuple[float, float]]],
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Return the level of each measure, and the range of each metric that has one."""
    levels, ranges = {}, {}
    for name, weighted in values.items():
        if len(weighted) < MIN_VALUES:
            continue
        known, weights = zip(*weighted, strict=True)
        levels[name] = float(np.average(known, weights=weights))
        lowest, highest = map(float, np.quantile(known, RANGE))
        if set(known) <= {0.0, 1.0}:
            lowest, highest = 0.0, 1.0
        if lowest < highest:
            ranges[name] = (lowest, highest)
        if name == LATENCY:
            levels[LATENCY] = float(np.quantile(known, SLOW_QUANTILE))
    return levels, ranges


def _plain(form: OutputFormat) -> dict[str, Any]:
    if isinstance(form, Json):
        return {"json": None if form.keys is None else sorted(form.keys)}
    if isinstance(form, Label):
        return {"labels": sorted(form.labels)}
    return {"code": True}


def _format(plain: Mapping[str, Any]) -> OutputFormat:
    if "json" in plain:
        keys = plain["json"]
        return Json(None if keys is None else frozenset(keys))
    return Label(frozenset(plain["labels"])) if "labels" in plain else FencedCode()
