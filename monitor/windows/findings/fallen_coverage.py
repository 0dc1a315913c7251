"""Metrics, fields and task types that a window lacks, or has in far fewer exchanges."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from monitor.descriptors.context import CONTEXT, read_context
from monitor.settings.metrics.directions import direction_of
from monitor.statistics.coverage import Coverage, has_fallen
from monitor.store.traffic.exchange_columns import Exchanges
from monitor.store.windows.assessment import CoverageKind, FallenCoverage
from monitor.windows.comparison.matched_days import DAYS_OF_WEEK
from monitor.windows.comparison.metrics import MIN_VALUES, count_values, number_of
from monitor.windows.comparison.window_comparison import WindowComparison

#: A task type with less of the baseline may end: that is a change of the mix.
MIN_TASK_TYPE_SHARE = 0.1

#: Returns which exchanges have a value.
Having = Callable[[Exchanges], Iterable[bool]]


def find_fallen_coverage(comparison: WindowComparison) -> tuple[FallenCoverage, ...]:
    """Return what the baseline has and the window lacks, the largest loss first.

    Each had enough values to be compared, and the window would have at the old share. It has fallen
    whether end users or days are the clusters, on the weekdays of the window and with its mix of
    task types: what only some task types have does not fall where these become rarer.
    """
    sides = _sides(comparison)
    items = []
    for kind, name, having in _candidates(comparison):
        of_mix = "task_type" in {kind, name}
        (n_before, before), (n_now, now) = (side.count(having, of_mix=of_mix) for side in sides)
        if min(n_before, before[0].share * now[0].of) < MIN_VALUES:
            continue
        if all(has_fallen(*pair) for pair in zip(before, now, strict=True)):
            items.append(
                FallenCoverage(
                    kind=kind,
                    name=name,
                    n_reference=n_before,
                    n_current=n_now,
                    share_reference=before[0].share,
                    share_current=now[0].share,
                    n_texts=_count_texts(name, sides[1].exchanges) if kind == "metric" else 0,
                )
            )
    return tuple(
        sorted(items, key=lambda item: (item.share_current - item.share_reference, item.name))
    )


@dataclass(frozen=True)
class _Side:
    exchanges: Exchanges
    #: float64 ``[n]``: 1 for what is compared, 0 for the rest.
    comparable: NDArray[np.float64]
    #: float64 ``[n]``: with these, both sides have the window's mix of common task types.
    matched: NDArray[np.float64]
    #: int64 ``[n]`` each: the end user and, where times are known, the day of each exchange.
    clusters: tuple[NDArray[np.int64], ...]

    def count(self, having: Having, *, of_mix: bool) -> tuple[int, tuple[Coverage, ...]]:
        """Return the number of exchanges with a value, and the coverage by each kind of cluster."""
        has = np.fromiter(having(self.exchanges), dtype=np.float64, count=len(self.exchanges))
        weights = self.comparable if of_mix else self.matched
        return int(has @ self.comparable), tuple(
            Coverage.of_clusters(np.bincount(own, has * weights), np.bincount(own, weights))
            for own in self.clusters
        )


def _sides(comparison: WindowComparison) -> tuple[_Side, _Side]:
    before, now = comparison.reference.compared, comparison.current.compared
    comparable = np.ones(len(before)), np.ones(len(now))
    if comparison.design is not None:
        comparable = (
            comparison.design.reference_comparable.astype(np.float64),
            comparison.design.current_comparable.astype(np.float64),
        )
    days, own_days = before.days, now.days
    clusters: tuple[tuple[NDArray[np.int64], ...], ...] = (_users(before),), (_users(now),)
    if days is not None and own_days is not None:
        same = np.isin(days % DAYS_OF_WEEK, own_days % DAYS_OF_WEEK)
        comparable = comparable[0] * (same if same.any() else 1.0), comparable[1]
        clusters = (*clusters[0], days - days.min()), (*clusters[1], own_days - own_days.min())
    matched = _match_task_types(_task_types(before), _task_types(now), comparable)
    return (
        _Side(before, comparable[0], matched[0], clusters[0]),
        _Side(now, comparable[1], matched[1], clusters[1]),
    )


def _users(side: Exchanges) -> NDArray[np.int64]:
    """Return the end user of each exchange as a number; one without counts by itself."""
    users = side.end_users or [""] * len(side)
    names = [user or f"\0{row}" for row, user in enumerate(users)]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _task_types(side: Exchanges) -> list[str]:
    return list(side.task_types) or [""] * len(side)


def _match_task_types(
    before: list[str], now: list[str], comparable: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights of both sides with which their common task types have the window's mix."""
    counts = [
        Counter(name for name, weight in zip(names, weights, strict=True) if weight)
        for names, weights in zip((before, now), comparable, strict=True)
    ]
    common = counts[0].keys() & counts[1].keys()
    if not common:
        return comparable
    ratio = {name: counts[1][name] / counts[0][name] for name in common}
    reference = comparable[0] * [ratio.get(name, 0.0) for name in before]
    # Few exchanges that stand for many tell as little as they are.
    reference *= reference.sum() / (reference**2).sum()
    return reference, comparable[1] * [name in common for name in now]


def _candidates(comparison: WindowComparison) -> Iterator[tuple[CoverageKind, str, Having]]:
    """Yield what the settings do not list as optional."""
    drift, reference = comparison.drift, comparison.reference.compared
    optional = set(drift.optional)
    for name in count_values(reference.attributes):
        if direction_of(name, drift) != 0 and name not in optional:
            yield "metric", name, partial(_having_metric, name)
    fields: dict[str, Having] = {
        "user": lambda side: (bool(user.strip()) for user in side.end_users or [""] * len(side)),
        "task_type": lambda side: map(bool, _task_types(side)),
        CONTEXT: lambda side: (bool(read_context(row.get(CONTEXT))) for row in side.attributes),
    }
    if comparison.responses is None:  # else empty ones are tested as events
        fields["response"] = lambda side: (bool(text.strip()) for text in side.responses)
    yield from (("field", name, having) for name, having in fields.items() if name not in optional)
    before = Counter(_task_types(reference))
    if not any(comparison.current.compared.task_types):
        return
    for name in before.keys() - {*comparison.current.compared.task_types, *optional, ""}:
        if before[name] >= MIN_TASK_TYPE_SHARE * len(reference):
            yield "task_type", name, partial(_having_task_type, name)


def _having_metric(name: str, side: Exchanges) -> Iterable[bool]:
    return (number_of(row.get(name)) is not None for row in side.attributes)


def _having_task_type(name: str, side: Exchanges) -> Iterable[bool]:
    return (task_type == name for task_type in side.task_types)


def _count_texts(name: str, side: Exchanges) -> int:
    return sum(isinstance(row.get(name), str) for row in side.attributes)
