"""Checks of a canary against the stable version."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.errors import ConfigurationError
from monitor.settings.evaluation_file.plan import Threshold

Floats = NDArray[np.float64]

#: ``advance``: must be shown to be not worse by the margin, and can revert. ``revert_only``: can
#: revert, and is never waited for. ``limit``: reverts when the canary's mean breaks a limit.
Kind = Literal["advance", "revert_only", "limit"]

#: A response is slow where it takes longer than this quantile of stable's past latencies.
SLOW_QUANTILE = 0.95
#: Units of the larger arm for each of the smaller, where a variance follows from the level.
UNITS_EACH = 4
#: Shares of responses that should be low, each of which has a check -> what it compares.
SHARES = {
    "malformed": "responses of a broken form",
    "refusals": "refusals",
    "truncation": "truncated responses",
    "errors": "errors",
}
#: Factor to stable's level at which the mean length breaks its limits.
LENGTH_FACTOR = 3.0


@dataclass(frozen=True)
class RolloutCheck:
    """A comparison of one metric between canary and stable.

    A metric's values are clipped to ``lowest`` and ``highest`` and scaled to [0, 1], 1 = good.
    """

    name: str
    kind: Kind
    #: The column of the observations that it reads; several checks may read one.
    metric: str
    higher_is_better: bool = True
    lowest: float = 0.0
    highest: float = 1.0
    #: Stable's mean before the rollout, in the metric's unit; margin and negligible difference are
    #: relative to it. ``None``: that of stable's first units in the rollout.
    level: float | None = None
    #: Compare the share of values above this quantile of stable's past values instead.
    quantile: float | None = None
    #: That quantile before the rollout, in the metric's unit; ``None``: from the first hours.
    threshold: float | None = None
    #: Of kind ``limit``: the mean that the canary must not pass, in the metric's unit.
    limit: float | None = None

    def __post_init__(self) -> None:
        if not self.lowest < self.highest:
            raise ConfigurationError(
                f"check {self.name!r}: range {self.lowest:g} to {self.highest:g}; the lowest value "
                "must be below the highest",
                code="bad_check",
            )
        if (self.kind == "limit") != (self.limit is not None):
            raise ConfigurationError(
                f"check {self.name!r} of kind {self.kind}: limit {self.limit}; give a limit to "
                "checks of kind limit only",
                code="bad_check",
            )

    @property
    def span(self) -> float:
        """Width of the range in the metric's unit; a share of slow responses has 1."""
        return 1.0 if self.quantile is not None else self.highest - self.lowest

    @property
    def is_paired(self) -> bool:
        """Whether canary and stable are compared, rather than the canary with a limit."""
        return self.kind != "limit"

    def scale(self, values: Floats, threshold: float = np.nan) -> Floats:
        """Return values on [0, 1] with 1 = good; NaN stays NaN.

        Values are in the metric's unit. ``threshold`` is the quantile of stable's past values,
        where the check compares shares.
        """
        if self.quantile is not None:
            slow = np.where(np.isnan(values) | np.isnan(threshold), np.nan, values > threshold)
            return np.asarray(slow if self.higher_is_better else 1.0 - slow)
        scaled = np.clip((values - self.lowest) / self.span, 0.0, 1.0)
        return np.asarray(scaled if self.higher_is_better else 1.0 - scaled)

    def tolerance(self, relative: float, points: float, level: float) -> float:
        """Return the larger of a share of the level and some points, on the scale [0, 1].

        ``relative`` is of the level, stable's mean in the metric's unit; ``points`` of the range.
        """
        if self.quantile is not None:
            level = 1.0 - self.quantile
        return float(min(max(relative * abs(level) / self.span, points), 1.0))

    def pair_variance(self, level: float) -> float:
        """Return the variance of a pair's difference that a level implies: of a share, the largest.

        The level is stable's mean in the metric's unit.
        """
        good = self.quantile
        if good is None:
            good = float(self.scale(np.array([level]))[0])
        return good * (1.0 - good) * (1.0 + 1.0 / UNITS_EACH)


def share_check(name: str, level: float | None = None) -> RolloutCheck:
    """Return the check of a share that should be low, such as refusals."""
    return RolloutCheck(name, "advance", name, higher_is_better=False, level=level)


def default_checks(
    levels: Mapping[str, float], *, with_relevance: bool = True
) -> list[RolloutCheck]:
    """Return the checks that need nothing but responses.

    ``levels`` are stable's means before the rollout by metric: those of :data:`SHARES`, the share
    of related responses (``relevance``), and the mean of ``length``; ``latency`` is the quantile
    :data:`SLOW_QUANTILE`. What is missing is taken from stable's first hours, but for the limits of
    the length. ``with_relevance`` says whether responses are embedded.
    """
    checks = [share_check(name, level=levels.get(name)) for name in SHARES]
    checks.append(latency_check(levels.get("latency")))
    if with_relevance:
        checks.append(
            RolloutCheck("relevance", "advance", "relevance", level=levels.get("relevance"))
        )
    return checks + length_limits(levels.get("length"))


def latency_check(threshold: float | None = None) -> RolloutCheck:
    """Return the check of the share of responses slower than stable's past p95, in seconds."""
    return RolloutCheck(
        "latency",
        "advance",
        "latency",
        higher_is_better=False,
        quantile=SLOW_QUANTILE,
        threshold=threshold,
    )


def metric_check(
    name: str,
    kind: Kind,
    lowest: float,
    highest: float,
    *,
    higher_is_better: bool = True,
    level: float | None = None,
) -> RolloutCheck:
    """Return the check of a metric that production logs, of a judge's score, or of feedback."""
    return RolloutCheck(name, kind, name, higher_is_better, lowest, highest, level)


def length_limits(level: float | None) -> list[RolloutCheck]:
    """Return the limits of the mean length: a third and three times stable's; none without it."""
    if not level:
        return []
    highest = 10.0 * level
    return [
        RolloutCheck(
            "length, upper limit",
            "limit",
            "length",
            higher_is_better=False,
            highest=highest,
            limit=LENGTH_FACTOR * level,
        ),
        RolloutCheck(
            "length, lower limit", "limit", "length", highest=highest, limit=level / LENGTH_FACTOR
        ),
    ]


def limit_check(
    metric: str, limit: float, *, is_minimum: bool, lowest: float = 0.0, highest: float = 1.0
) -> RolloutCheck:
    """Return the check of an absolute threshold of evaluation.yaml on a metric of the traffic."""
    comparison = "at least" if is_minimum else "at most"
    return RolloutCheck(
        f"{metric} {comparison} {limit:g}",
        "limit",
        metric,
        is_minimum,
        lowest,
        highest,
        limit=limit,
    )


def threshold_checks(
    thresholds: Iterable[Threshold], ranges: Mapping[str, tuple[float, float]]
) -> list[RolloutCheck]:
    """Return the limits by the thresholds of evaluation.yaml whose metrics the traffic has too.

    Thresholds are of all benchmarks: of several on one metric the strictest is the limit.
    ``ranges`` are the lowest and highest value of each metric that is measured in the traffic.
    """
    strictest: dict[tuple[str, bool], float] = {}
    for threshold in thresholds:
        limit = threshold.limit
        if threshold.metric in ranges:
            key = threshold.metric, limit.is_minimum
            stricter = max if limit.is_minimum else min
            strictest[key] = stricter(strictest.get(key, limit.value), limit.value)
    return [
        limit_check(
            metric,
            value,
            is_minimum=is_minimum,
            lowest=min(ranges[metric][0], value),
            highest=max(ranges[metric][1], value),
        )
        for (metric, is_minimum), value in strictest.items()
    ]


def metrics_of(checks: Iterable[RolloutCheck]) -> tuple[str, ...]:
    """Return the columns that the checks read, each once, in order."""
    return tuple(dict.fromkeys(check.metric for check in checks))
