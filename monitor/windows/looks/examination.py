"""Examination of a day: each quantity tested, and the large changes described."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from monitor.drift.looks.rate_rise import by_user_day, rate_of, rise_p_value
from monitor.drift.looks.unlike import CAPTURE
from monitor.drift.samples.embeddings import check_vectors
from monitor.drift.samples.units import scramble, unit_keys
from monitor.settings import Drift
from monitor.statistics.intervals import wilson_interval
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.looks import LookFinding
from monitor.windows.comparison.common_rate import comparable
from monitor.windows.comparison.format_conformance import Formats
from monitor.windows.comparison.numeric_columns import numeric_columns_of
from monitor.windows.looks.quantities import Quantity, column_quantities, unlike_quantities
from monitor.windows.topics.names import WordCounts, name_topic

#: User-days of each side that are read at most: a look costs seconds at any volume.
MAX_REFERENCE, MAX_CURRENT = 8_000, 4_000
MIN_END_USERS = 20
EXAMPLES = 10
#: Salts of the keys of exchanges without an end user: each is a user of its own.
REFERENCE_SALT, CURRENT_SALT = 11, 12


@dataclass(frozen=True)
class Examination:
    """The large changes of a day."""

    n_exchanges: int
    n_end_users: int
    #: Prompts first, then the clearest; empty without an alarm.
    findings: tuple[LookFinding, ...]


def examine(
    reference: Exchanges,
    current: Exchanges,
    *,
    drift: Drift,
    alert_threshold: float,
    level: float,
    seed: int,
    rate_for: Callable[[str], float] | None = None,
    declared: Formats | None = None,
) -> Examination | None:
    """Examine a day; ``None`` where a side has too few exchanges or end users.

    The same seed and exchanges give the same figures. ``rate_for`` returns the configured sampling
    rate of a task type; ``declared`` has the output format of each, where the taxonomy declares it.
    """
    design = comparable(reference, current, rate_for)
    if design is not None:
        reference = reference.take(np.flatnonzero(design.reference_comparable))
        current = current.take(np.flatnonzero(design.current_comparable))
    baseline = _Side.of(reference, MAX_REFERENCE, REFERENCE_SALT, seed)
    day = _Side.of(current, MAX_CURRENT, CURRENT_SALT, seed).as_one_day()
    sides = (baseline, day)
    if any(len(side.rows) < drift.min_samples or side.n_users < MIN_END_USERS for side in sides):
        return None
    columns = numeric_columns_of(baseline.rows, day.rows, drift, declared)
    quantities = [
        *unlike_quantities((baseline.rows, baseline.keys), (day.rows, day.keys), seed),
        *column_quantities(columns, alert_threshold),
    ]
    findings = [
        finding
        for quantity in quantities
        if (finding := _test(quantity, sides, quantity.level * level, alert_threshold))
    ]
    return Examination(len(day.rows), day.n_users, tuple(_clearest_of_each(findings)))


@dataclass(frozen=True)
class _Side:
    rows: Exchanges
    #: uint64 ``[n]``: of each exchange's user.
    keys: NDArray[np.uint64]
    #: int64 ``[n]``
    days: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Exchanges, limit: int, salt: int, seed: int) -> "_Side":
        """Return a side; of a large one whole user-days, drawn at random."""
        vectors = check_vectors(rows.prompt_vectors, "prompts")
        keys = unit_keys(rows.end_users, vectors, "end_users", salt=salt)
        days = np.zeros(len(rows), dtype=np.int64) if rows.days is None else rows.days
        user_days = scramble(scramble(keys, salt) + days.astype(np.uint64), seed)
        distinct = np.unique(user_days)
        if len(distinct) <= limit:
            return cls(rows, keys, days)
        own = np.flatnonzero(user_days <= distinct[limit - 1])
        return cls(rows.take(own), keys[own], days[own])

    def as_one_day(self) -> "_Side":
        """Return the side as one day, whatever the hour at which it begins."""
        return _Side(self.rows, self.keys, np.zeros_like(self.days))

    @property
    def n_users(self) -> int:
        """Return the number of end users; an exchange without one counts by itself."""
        return len(np.unique(self.keys))


def _test(
    quantity: Quantity, sides: Sequence[_Side], level: float, alert_threshold: float
) -> LookFinding | None:
    """Return the finding of a quantity that has surely risen by more than its margin."""
    reference, current = (
        by_user_day(values, side.keys, side.days)
        for values, side in zip((quantity.reference, quantity.current), sides, strict=True)
    )
    p_value = rise_p_value(reference, current, quantity.limit)
    if p_value > level or not _is_relevant(quantity, alert_threshold):
        return None
    before, after = rate_of(reference), rate_of(current)
    lower, upper = wilson_interval(after.successes, after.n_effective)
    rows = sides[1].rows
    inside = np.flatnonzero(quantity.current > 0.0)
    displayed = _displayed(quantity, before.share, after.share, lower, upper)
    return LookFinding(
        kind=quantity.kind,
        name=quantity.name,
        measure=_measure(quantity),
        threshold=quantity.quartile,
        reference=displayed[0],
        estimate=displayed[1],
        lower=displayed[2],
        upper=displayed[3],
        p_value=p_value,
        level=level,
        since=_onset(quantity.current, rows.occurred_at, before.share),
        topic=_topic(quantity, sides, inside),
        examples=tuple(int(rows.ids[row]) for row in _strongest(quantity, inside))
        if len(rows.ids)
        else (),
    )


def _measure(quantity: Quantity) -> Literal["unlike", "rate", "above", "below"]:
    if quantity.column is None:
        return "unlike"
    if quantity.quartile is not None:
        known = quantity.current == 1.0
        values = quantity.column.current[known]
        return "above" if len(values) and values.min() > quantity.quartile else "below"
    return "rate"


def _displayed(
    quantity: Quantity, before: float, after: float, lower: float, upper: float
) -> tuple[float, float, float, float]:
    """Return the figures as they are shown: a rate as it is logged, a drifted share corrected."""
    if quantity.column is None:
        scale = CAPTURE - before
        share, low, high = (
            min(max((rate - before) / scale, 0.0), 1.0) for rate in (after, lower, upper)
        )
        return 0.0, share, low, high
    if quantity.quartile is None and quantity.column.direction > 0:
        return 1.0 - before, 1.0 - after, 1.0 - upper, 1.0 - lower
    return before, after, lower, upper


def _is_relevant(quantity: Quantity, alert_threshold: float) -> bool:
    """Return whether the mean beyond a quartile has changed as much as alarms in a window."""
    if quantity.quartile is None or quantity.column is None:
        return True
    before, after = (
        float(np.nanmean(side)) for side in (quantity.column.reference, quantity.column.current)
    )
    return abs(after - before) >= alert_threshold * abs(before)


def _onset(
    values: NDArray[np.float64], occurred_at: Sequence[datetime], before: float
) -> datetime | None:
    """Return when the rate most likely rose: the likeliest change point of the day."""
    if not occurred_at:
        return None
    rows = np.flatnonzero(np.isfinite(values))
    times = np.array([occurred_at[int(row)].timestamp() for row in rows])
    rows = rows[np.argsort(times, kind="stable")]
    later = np.arange(len(rows), 0, -1)
    rate = np.clip(np.cumsum(values[rows][::-1])[::-1] / later, 1e-6, 1.0 - 1e-6)
    base = min(max(before, 1e-6), 1.0 - 1e-6)
    gain = rate * np.log(rate / base) + (1.0 - rate) * np.log((1.0 - rate) / (1.0 - base))
    return occurred_at[int(rows[int(np.argmax(np.where(rate > base, later * gain, 0.0)))])]


def _topic(quantity: Quantity, sides: Sequence[_Side], inside: NDArray[np.int64]) -> str:
    """Return the words that distinguish prompts that are unlike the baseline; else empty."""
    if quantity.column is not None or quantity.kind != "input":
        return ""
    reference, current = (side.rows for side in sides)
    texts = [current.prompts[row] for row in inside]
    users = [current.end_users[row] for row in inside]
    own = WordCounts.of(texts, users)
    words = set(own.counts)
    known = WordCounts.of(reference.prompts, reference.end_users, words)
    return name_topic(texts, users, own, known)


def _strongest(quantity: Quantity, inside: NDArray[np.int64]) -> NDArray[np.int64]:
    if quantity.scores is None:
        return inside[-EXAMPLES:]
    return inside[np.argsort(-quantity.scores[inside], kind="stable")][:EXAMPLES]


def _clearest_of_each(findings: Sequence[LookFinding]) -> list[LookFinding]:
    """Return the finding of the lowest p-value of each kind and name.

    Prompts first, as new prompts may explain new responses; then the clearest.
    """
    best: dict[tuple[str, str], LookFinding] = {}
    for finding in sorted(findings, key=lambda finding: (finding.kind != "input", finding.p_value)):
        best.setdefault((finding.kind, finding.name), finding)
    return list(best.values())
