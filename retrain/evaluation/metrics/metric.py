"""Interface of metrics."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from monitor.errors import MetricError
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.measured_error import MeasuredError

Direction = Literal["higher", "lower"]
#: ``binary``: every score is the lowest or the highest, so shares have exact intervals.
Kind = Literal["binary", "graded"]


@runtime_checkable
class Metric(Protocol):
    """A score of responses."""

    @property
    def name(self) -> str:
        """Name in ``evaluation.yaml`` and in reports."""
        ...

    @property
    def direction(self) -> Direction:
        """Whether higher or lower scores are better."""
        ...

    @property
    def kind(self) -> Kind:
        """Whether scores are binary or graded."""
        ...

    @property
    def lowest(self) -> float:
        """The least possible score."""
        ...

    @property
    def highest(self) -> float:
        """The largest possible score."""
        ...

    def score(
        self, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return a score for each response, ``[n]``; NaN where the metric does not apply."""
        ...


@dataclass(frozen=True)
class PerResponse:
    """A metric from a function of one response, which returns ``None`` if it doesn't apply."""

    name: str
    function: Callable[[BenchmarkItem, str], float | None]
    kind: Kind = "binary"
    direction: Direction = "higher"
    lowest: float = 0.0
    highest: float = 1.0
    #: Of a rule that recognises something; ``None``: the score is what it says.
    error: MeasuredError | None = None

    def score(
        self, items: Sequence[BenchmarkItem], responses: Sequence[str]
    ) -> NDArray[np.float64]:
        """Return a score for each response, ``[n]``."""
        scores = (self.function(item, text) for item, text in zip(items, responses, strict=True))
        return np.array([np.nan if score is None else score for score in scores], dtype=np.float64)


def measured_error(metric: Metric) -> MeasuredError | None:
    """Return the error of a metric that recognises something; ``None``: it has none."""
    error = getattr(metric, "error", None)
    return error if isinstance(error, MeasuredError) else None


def range_problem(metric: Metric) -> str:
    """Return the problem of a metric's range; empty: none.

    Differences are shares of the range, so that an infinite one would make all systems equal.
    """
    if metric.lowest < metric.highest and math.isfinite(metric.highest - metric.lowest):
        return ""
    return (
        f"has the range [{metric.lowest:g}, {metric.highest:g}]; two finite limits are needed, "
        "since differences are shares of the range"
    )


def goodness(metric: Metric, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale scores to [0, 1] by the metric's range, so that higher is better.

    Raises:
        MetricError: The range is not finite, and every difference would be 0.
    """
    if problem := range_problem(metric):
        raise MetricError(f"metric {metric.name!r} {problem}")
    shares = (values - metric.lowest) / (metric.highest - metric.lowest)
    return shares if metric.direction == "higher" else 1.0 - shares


def apply_metric(
    metric: Metric, items: Sequence[BenchmarkItem], responses: Sequence[str]
) -> NDArray[np.float64]:
    """Score responses and validate the scores: ``[n]``, float64, in the metric's range or NaN.

    Raises:
        MetricError: The metric has no finite range, failed, or returned scores of a wrong number,
            type or range.
    """
    if problem := range_problem(metric):
        raise MetricError(f"metric {metric.name!r} {problem}")
    try:
        values: Any = metric.score(items, responses)
    except Exception as error:
        raise MetricError(
            f"metric {metric.name!r} failed: {type(error).__name__}: {error}"
        ) from error
    try:
        scores = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise MetricError(f"metric {metric.name!r} returned values that are not numbers") from None
    if scores.shape != (len(items),):
        raise MetricError(
            f"metric {metric.name!r} returned an array of shape {scores.shape} for {len(items)} "
            "responses"
        )
    defined = scores[~np.isnan(scores)]
    outside = defined[(defined < metric.lowest) | (defined > metric.highest)]
    if outside.size:
        raise MetricError(
            f"metric {metric.name!r} returned {outside[0]:g}, outside its range "
            f"[{metric.lowest:g}, {metric.highest:g}]"
        )
    if metric.kind == "binary" and not np.isin(defined, (metric.lowest, metric.highest)).all():
        raise MetricError(f"metric {metric.name!r} is declared binary but returned a third value")
    return scores
