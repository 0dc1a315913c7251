"""Quantities that a look tests: rates of exchanges that are unlike the baseline, or worse."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.drift.looks.rate_rise import Limit
from monitor.drift.looks.unlike import Samples, find_isolated, find_unlike
from monitor.drift.samples.spread import spread_rows
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.windows.comparison.numeric_comparison import NumericColumn
from monitor.windows.looks import levels

Values = NDArray[np.float64]

#: Least rise of a rate that is a large change, in points. Weekdays and hours differ by less.
MARGIN = 0.05
#: The same for the share beyond a quartile of the baseline.
QUARTILE_MARGIN = 0.10
QUARTILE = 0.25
#: Fewest texts of a side whose embeddings are tested.
MIN_TEXTS = 100
#: Sets of exchanges that are unlike the baseline: isolated ones, and those of each half.
N_SETS = 3
LENGTH = "length in tokens"


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A rate of exchanges, whose large rise alarms."""

    kind: Literal["input", "output", "metric"]
    #: A metric or descriptor; empty for embeddings.
    name: str
    #: ``[n]`` of each side: 1 for an exchange that counts, 0 for another, NaN where unknown.
    reference: Values
    current: Values
    #: The highest rate that is no large change, by that of the baseline.
    limit: Limit
    #: Part of the look's level.
    level: float
    #: The numeric column; ``None`` for embeddings.
    column: NumericColumn | None = None
    #: The quartile, where the rate is that of exchanges beyond it.
    quartile: float | None = None
    #: ``[n_current]``: how unlike the baseline each exchange is; NaN where it isn't counted.
    scores: Values | None = None


def unlike_quantities(
    reference: tuple[Exchanges, NDArray[np.uint64]],
    current: tuple[Exchanges, NDArray[np.uint64]],
    seed: int,
) -> Iterator[Quantity]:
    """Yield the shares of prompts, and of responses, that are unlike the baseline.

    Each side has the key of each exchange's user; the seed draws landmarks of large samples.
    """
    for kind, part in (("input", levels.PROMPTS), ("output", levels.UNLIKE_RESPONSES)):
        rows = [_rows_with_text(side, kind) for side, _ in (reference, current)]
        baseline, day = (
            Samples(_vectors(side, kind)[own].astype(np.float32), keys[own])
            for (side, keys), own in zip((reference, current), rows, strict=True)
        )
        if min(len(baseline), len(day)) < MIN_TEXTS:
            continue
        rng = np.random.default_rng([seed, len(kind)])
        for unlike in (find_isolated(baseline, day, rng), *find_unlike(baseline, day, rng)):
            yield Quantity(
                kind="input" if kind == "input" else "output",
                name="",
                reference=spread_rows(unlike.reference, rows[0], len(reference[0])),
                current=spread_rows(unlike.current, rows[1], len(current[0])),
                scores=spread_rows(unlike.scores, rows[1], len(current[0])),
                limit=_rise_by(MARGIN, 0.0),
                level=part / N_SETS,
            )


def column_quantities(
    columns: Sequence[NumericColumn], alert_threshold: float
) -> Iterator[Quantity]:
    """Yield the rates of responses that are faulty, longer or shorter, and of worse metrics."""
    length = [column for column in columns if column.name == LENGTH and column.side == "response"]
    faults = [column for column in columns if column.side == "response" and column.direction]
    metrics = [column for column in columns if column.side == "metric" and column.direction]
    for column in length:
        # A quarter of the baseline, or three: shorter responses are fewer beyond the upper quartile
        # rather than more below the lower one.
        for worse, share in product((-1, 1), (QUARTILE, 1.0 - QUARTILE)):
            yield _beyond_quartile(column, worse, share, "output", levels.RESPONSE_LENGTH / 4)
    for column in faults:
        yield _worse(column, alert_threshold, levels.RESPONSE_FAULTS / len(faults))
    for column in metrics:
        yield _worse(column, alert_threshold, levels.METRICS / len(metrics))


def _worse(column: NumericColumn, alert_threshold: float, level: float) -> Quantity:
    if not _is_rate(column):
        return _beyond_quartile(column, -column.direction, QUARTILE, "metric", level)
    is_good = column.direction > 0
    return Quantity(
        kind="metric",
        name=column.name,
        reference=1.0 - column.reference if is_good else column.reference,
        current=1.0 - column.current if is_good else column.current,
        limit=_loss_by(alert_threshold) if is_good else _rise_by(MARGIN, alert_threshold),
        level=level,
        column=column,
    )


def _is_rate(column: NumericColumn) -> bool:
    known = column.reference[np.isfinite(column.reference)]
    current = column.current[np.isfinite(column.current)]
    return bool(np.isin(known, (0.0, 1.0)).all() and ((current >= 0.0) & (current <= 1.0)).all())


def _beyond_quartile(
    column: NumericColumn,
    worse: int,
    share: float,
    kind: Literal["output", "metric"],
    level: float,
) -> Quantity:
    """Return the share of values beyond a quartile of the baseline on the worse side.

    With ``worse`` +1 the worse side is above the quartile, with -1 below it.
    """
    known = worse * column.reference[np.isfinite(column.reference)]
    threshold = float(np.quantile(known, 1.0 - share, method="higher"))
    beyond = [
        np.where(np.isfinite(side), (worse * side > threshold).astype(np.float64), np.nan)
        for side in (column.reference, column.current)
    ]
    return Quantity(
        kind=kind,
        name=column.name,
        reference=beyond[0],
        current=beyond[1],
        limit=_rise_by(QUARTILE_MARGIN, 0.0),
        level=level,
        column=column,
        quartile=worse * threshold,
    )


def _rise_by(points: float, share: float) -> Limit:
    return lambda rate: rate + np.maximum(points, share * rate)


def _loss_by(share: float) -> Limit:
    """Return the limit of a rate whose complement may lose a share of itself."""
    return lambda rate: rate + np.maximum(MARGIN, share * (1.0 - rate))


def _vectors(side: Exchanges, kind: str) -> NDArray[np.floating]:
    return side.prompt_vectors if kind == "input" else side.response_vectors


def _rows_with_text(side: Exchanges, kind: str) -> NDArray[np.int64]:
    """Return the rows with a text: an empty response is a fault, and has no vector."""
    texts = side.prompts if kind == "input" else side.responses
    return np.flatnonzero([bool(text.strip()) for text in texts]).astype(np.int64)
