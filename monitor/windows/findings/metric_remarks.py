"""Remarks on metrics that cannot alarm: only one side has them, or what is worse is unknown."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.rendering.excerpts import excerpt
from monitor.settings import Drift
from monitor.settings.metrics.directions import direction_of, is_direction_unknown
from monitor.settings.metrics.unknown_names import list_unknown, unknown_metrics
from monitor.store.windows.assessment import NumericAssessment
from monitor.windows.comparison.context_columns import NAMES
from monitor.windows.comparison.metrics import MIN_VALUES, count_values

Rows = Sequence[Mapping[str, Any]]

#: Most metrics named in a remark.
SHOWN = 7


def metrics_not_compared(
    reference: Rows, current: Rows, drift: Drift, *, gone: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return remarks on metrics that only one side has enough values of.

    Metrics with a direction come first, as only they may alarm. Findings say which are gone.
    """
    before, now = count_values(reference), count_values(current)
    lost = [name for name in _enough_only_in(before, now, drift) if name not in gone]
    new = _enough_only_in(now, before, drift)
    remarks = []
    if lost:
        texts = Counter(name for row in current for name in lost if isinstance(row.get(name), str))
        named = [
            f"{_named(name)} ({before[name]:,} in the baseline, {now[name]:,} in the window"
            + (f", where {texts[name]:,} are text)" if texts[name] else ")")
            for name in lost
        ]
        remarks.append(
            f"Metrics not compared, because the window has fewer than {MIN_VALUES} values: "
            f"{_listed(named)}. "
            "They cannot alarm in this window."
        )
    if new:
        named = [
            f"{_named(name)} ({before[name]:,} in the baseline, {now[name]:,} in the window)"
            for name in new
        ]
        remarks.append(
            f"Metrics not compared, because the baseline has fewer than {MIN_VALUES} values: "
            f"{_listed(named)}."
        )
    return tuple(remarks)


def metrics_without_direction(
    numeric_columns: Sequence[NumericAssessment], drift: Drift
) -> tuple[str, ...]:
    """Return a remark on the compared metrics of which it is unknown what is worse.

    The metrics that changed most come first.
    """
    unknown = sorted(
        (
            column
            for column in numeric_columns
            if column.side == "metric" and is_direction_unknown(column.name, drift)
        ),
        key=lambda column: (column.adjusted_p_value, column.name),
    )
    if not unknown:
        return ()
    listed = _listed([_named(column.name) for column in unknown])
    remark = (
        f"Metrics that cannot alarm, because it is unknown whether higher or lower is better: "
        f"{listed}. Name each in drift.higher_is_better or drift.lower_is_better."
    )
    return (remark,)


def remarks_on_unknown_metrics(
    sides: Sequence[Rows], drift: Drift, *, only_similar: bool = False
) -> tuple[str, ...]:
    """Return a remark on names with a direction that neither side has.

    With ``only_similar``, only those that resemble a name of the sides: the settings of several
    models name the metrics of all.
    """
    known = {*NAMES, *(name for side in sides for name in count_values(side))}
    unknown = {
        name: similar
        for name, similar in unknown_metrics(drift, sorted(known)).items()
        if similar or not only_similar
    }
    if not unknown:
        return ()
    remark = (
        f"Named by drift.higher_is_better or drift.lower_is_better, and in no exchange of either "
        f"side: {list_unknown(unknown)}."
    )
    return (remark,)


def _enough_only_in(side: Counter[str], other: Counter[str], drift: Drift) -> list[str]:
    names = [name for name, n in side.items() if n >= MIN_VALUES and other[name] < MIN_VALUES]
    return sorted(names, key=lambda name: (direction_of(name, drift) == 0, -side[name], name))


def _named(name: str) -> str:
    return f"`{excerpt(name, 40)}`"


def _listed(named: Sequence[str]) -> str:
    listed = ", ".join(named[:SHOWN])
    return listed if len(named) <= SHOWN else f"{listed} and {len(named) - SHOWN:,} more"
