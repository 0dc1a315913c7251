"""Sentences on metrics: worse ones, ones without a direction, and others that changed much."""

from collections.abc import Callable, Sequence
from itertools import zip_longest

from monitor.plurals import pluralize
from monitor.rendering.excerpts import quote_metric
from monitor.rendering.fingerprints import METRIC
from monitor.rendering.numbers import excludes_zero, format_means, format_relative
from monitor.settings import Drift
from monitor.settings.metrics.directions import is_direction_unknown
from monitor.store.windows.assessment import NumericAssessment

#: Metrics with a sentence each; further ones are counted.
NAMED = 3

#: A change without an alarm is named from here on: between the limits of a small (.147) and a
#: medium (.33) effect by Cliff's delta (Romano et al., Florida Association of Institutional
#: Research, 2006).
NOTABLE_EFFECT = 0.2
NOTABLE_P_VALUE = 0.01


def degraded_metrics(columns: Sequence[NumericAssessment]) -> dict[str, str]:
    """Return a sentence on each degraded metric, with its kind; the largest relative change first.

    That on the number of further ones has no kind.
    """
    worst = sorted((column for column in columns if column.degraded), key=_relative_size)
    sentences = _listed(worst, lambda column: f"{_change(column)}.", "{} {verb} worse.")
    kinds = [f"{METRIC}{column.name}" for column in worst[:NAMED]]
    return dict(zip_longest(sentences, kinds, fillvalue=""))


def undirected_metrics(columns: Sequence[NumericAssessment], drift: Drift) -> list[str]:
    """Return a sentence on each metric that changed much, and of which better is unknown."""
    ask = "say in `drift.higher_is_better` which way is better"
    return _listed(
        [column for column in _notable(columns, drift) if is_direction_unknown(column.name, drift)],
        lambda column: f"{_change(column, with_means=False)}; {ask}.",
        "{} of unknown direction changed.",
    )


def further_metrics(columns: Sequence[NumericAssessment], drift: Drift) -> list[str]:
    """Return a sentence on each other metric that changed much, for the better or as a length."""
    further = [
        column
        for column in _notable(columns, drift)
        if not is_direction_unknown(column.name, drift)
    ]
    return _listed(further, lambda column: f"{_change(column)}.", "{} changed.")


def is_notable(column: NumericAssessment, drift: Drift) -> bool:
    """Return whether a change without an alarm is large and sure enough to be named."""
    change = column.relative_change
    if not (
        column.adjusted_p_value <= NOTABLE_P_VALUE and abs(column.effect_size) >= NOTABLE_EFFECT
    ):
        return False
    if change is None:
        return excludes_zero(column.effect_lower, column.effect_upper)
    limits = (column.relative_change_lower, column.relative_change_upper)
    return abs(change) >= drift.min_reported_change and excludes_zero(*limits)


def describe_size(column: NumericAssessment, *, with_means: bool = True) -> str:
    """Return by how much a mean changed: "by 34% (from 0.82 to 0.54)"."""
    change = column.relative_change
    means = format_means(column)
    # Of a rare event the percentage misleads: 1868% may be from one response in 200 to 20.
    if change is None or not abs(change) <= 1:
        return means
    limits = (column.relative_change_lower, column.relative_change_upper)
    return f"by {format_relative(change, *limits)}{f' ({means})' if with_means else ''}"


def _notable(columns: Sequence[NumericAssessment], drift: Drift) -> list[NumericAssessment]:
    changed = [
        column
        for column in columns
        if column.side == "metric" and not column.degraded and is_notable(column, drift)
    ]
    return sorted(changed, key=lambda column: -abs(column.effect_size))


def _listed(
    columns: Sequence[NumericAssessment],
    sentence: Callable[[NumericAssessment], str],
    further: str,
) -> list[str]:
    n_more = len(columns) - NAMED
    sentences = [sentence(column) for column in columns[:NAMED]]
    if n_more > 0:
        verb = "is" if n_more == 1 else "are"
        sentences.append(further.format(pluralize(n_more, "more metric"), verb=verb))
    return sentences


def _relative_size(column: NumericAssessment) -> float:
    return -abs(1.0 if column.relative_change is None else column.relative_change)


def _change(column: NumericAssessment, *, with_means: bool = True) -> str:
    verb = "fell" if column.current_mean < column.reference_mean else "rose"
    return f"{quote_metric(column.name)} {verb} {describe_size(column, with_means=with_means)}"
