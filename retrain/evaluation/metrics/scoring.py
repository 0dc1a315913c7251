"""Scores of a system on a benchmark, by item and by stratum."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from monitor.statistics.bootstrap import mean_interval
from monitor.store.training.candidate_results import StratumScore
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.metric import Metric, apply_metric

#: Minimum items for a useful interval.
RECOMMENDED_ITEMS = 200


class ChatModel(Protocol):
    """A chat model, such as :class:`retrain.models.generation.Responder`."""

    def respond(
        self,
        conversations: Sequence[Sequence[dict[str, str]]],
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Return a response to each conversation."""
        ...


@dataclass(frozen=True)
class ItemScore:
    """A response to an item and its scores."""

    item: BenchmarkItem
    response: str
    #: Metric -> value, without metrics that do not apply to the item.
    values: dict[str, float]


#: Item scores of a system, by benchmark.
Scores = Mapping[str, Sequence[ItemScore]]


def score_responses(
    items: Sequence[BenchmarkItem], responses: Sequence[str], metrics: Sequence[Metric]
) -> list[ItemScore]:
    """Score responses; values of an item include only metrics that apply.

    Raises:
        MetricError: A metric failed, or returned invalid scores.
    """
    columns = {metric.name: apply_metric(metric, items, responses) for metric in metrics}
    return [
        ItemScore(
            item,
            response,
            {
                name: float(column[row])
                for name, column in columns.items()
                if column[row] == column[row]
            },
        )
        for row, (item, response) in enumerate(zip(items, responses, strict=True))
    ]


def summarise(
    scores: Sequence[ItemScore],
    rng: np.random.Generator,
    *,
    metrics: Sequence[Metric],
    fields: Sequence[str] = ("split", "task_type"),
    joint: Sequence[str] = (),
) -> list[StratumScore]:
    """Summarise scores over all items, each stratum of each field, and of the joint fields.

    Binary metrics get Wilson's interval, graded metrics a bootstrap interval. Strata to which a
    metric doesn't apply are left out.
    """
    strata: dict[str, list[ItemScore]] = defaultdict(list)
    for score in scores:
        for stratum in strata_of(score.item, fields, joint):
            strata[stratum].append(score)
    matches = []
    for stratum in sorted(strata):
        for metric in metrics:
            provided = [
                entry.values[metric.name]
                for entry in strata[stratum]
                if metric.name in entry.values
            ]
            if provided:
                matches.append(_summary(stratum, metric, np.array(provided), rng))
    return matches


def strata_of(
    item: BenchmarkItem, fields: Sequence[str], joint: Sequence[str] = ()
) -> Iterator[str]:
    """Yield the strata of an item: all items, its value of each field, and of the joint fields."""
    yield ""
    for field in fields:
        value = item.stratum_of(field)
        if value:
            yield f"{field}={value}"
    if len(joint) > 1:
        yield ", ".join(f"{field}={item.stratum_of(field)}" for field in joint)


def _summary(
    stratum: str, metric: Metric, values: np.ndarray, rng: np.random.Generator
) -> StratumScore:
    lower, upper = mean_interval(
        values,
        rng,
        lowest=metric.lowest,
        highest=metric.highest,
        binary=metric.kind == "binary",
    )
    return StratumScore(stratum, metric.name, float(values.mean()), lower, upper, len(values))
