"""Closed labels: micro and macro F1, and the confusion matrix."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.statistics.intervals import wilson_interval
from monitor.store.training.label_results import Classification, LabelScore
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.scoring import ItemScore
from retrain.evaluation.metrics.tokens import normalise

#: A task type has closed labels where each is expected by so many items on average.
MIN_ITEMS_PER_LABEL = 3
MAX_LABELS = 200
N_RESAMPLES = 999


def classify(
    system: str, benchmark: str, scores: Sequence[ItemScore], rng: np.random.Generator
) -> Classification | None:
    """Return the figures of the items with closed labels; ``None`` if there are fewer than two.

    Responses are compared as :func:`~retrain.evaluation.metrics.overlap.exact_match` does.

    Reference: Sokolova and Lapalme (2009), A systematic analysis of performance measures for
    classification tasks.
    """
    labelled = _closed([score.item for score in scores])
    scores = [score for score in scores if score.item.id in labelled]
    expected = [normalise(score.item.expected or "") for score in scores]
    labels = sorted(set(expected))
    if not 2 <= len(labels) <= MAX_LABELS:
        return None
    index = {label: row for row, label in enumerate(labels)}
    other = len(labels)
    true = np.array([index[label] for label in expected])
    predicted = np.array([index.get(normalise(score.response), other) for score in scores])
    matrix = _matrix(true, predicted, other)
    names = {normalise(score.item.expected or ""): score.item.expected or "" for score in scores}
    precision, recall, f1 = _figures(matrix)
    hits, n = int(np.trace(matrix)), len(scores)
    n_labels_given = int(matrix[:, :other].sum())
    lower, upper = _macro_interval(true, predicted, other, rng)
    return Classification(
        system=system,
        benchmark=benchmark,
        n=n,
        micro_f1=2 * hits / (n + n_labels_given),
        macro_f1=float(f1.mean()),
        macro_lower=lower,
        macro_upper=upper,
        labels=tuple(
            LabelScore(names[label], float(p), float(r), float(f), int(row.sum()))
            for label, p, r, f, row in zip(labels, precision, recall, f1, matrix, strict=True)
        ),
        confusion=tuple(
            (names[labels[row]], "" if column == other else names[labels[column]], int(count))
            for (row, column), count in np.ndenumerate(matrix)
            if count
        ),
    )


def _closed(items: Sequence[BenchmarkItem]) -> set[str]:
    """Return the ids of items of task types whose reference answers repeat."""
    by_type: dict[str, list[BenchmarkItem]] = defaultdict(list)
    for item in items:
        if item.expected is not None:
            by_type[item.task_type].append(item)
    closed: set[str] = set()
    for members in by_type.values():
        labels = Counter(normalise(item.expected or "") for item in members)
        if len(members) >= MIN_ITEMS_PER_LABEL * len(labels):
            closed.update(item.id for item in members)
    return closed


def _matrix(true: NDArray[np.int64], predicted: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return counts ``[n, n + 1]``: expected label by response; the last column is no label."""
    return np.bincount(true * (n + 1) + predicted, minlength=n * (n + 1)).reshape(n, n + 1)


def _figures(
    matrix: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return precision, recall and F1 of each label, ``[n]``; 0 where there is nothing to count."""
    hits = np.diagonal(matrix).astype(float)
    n_expected = matrix.sum(axis=1)
    n_given = matrix[:, : len(matrix)].sum(axis=0)
    precision = hits / np.maximum(n_given, 1)
    recall = hits / np.maximum(n_expected, 1)
    return precision, recall, 2 * hits / np.maximum(n_expected + n_given, 1)


def _macro_interval(
    true: NDArray[np.int64], predicted: NDArray[np.int64], n: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the 95% percentile interval of macro F1, from resamples within each label.

    Wilson's interval where all resamples are equal.
    """
    order = np.argsort(true, kind="stable")
    sizes = np.bincount(true, minlength=n)
    first, size = np.repeat(np.cumsum(sizes) - sizes, sizes), np.repeat(sizes, sizes)
    labels = true[order]  # of each resample too
    means = []
    for _ in range(N_RESAMPLES):
        drawn = predicted[order[first + (rng.random(len(order)) * size).astype(int)]]
        hits = np.bincount(labels[drawn == labels], minlength=n)
        n_given = np.bincount(drawn, minlength=n + 1)[:n]
        means.append((2 * hits / np.maximum(sizes + n_given, 1)).mean())
    lower, upper = (float(limit) for limit in np.quantile(means, (0.025, 0.975)))
    if lower == upper:  # nothing varies, which proves little about further items
        return wilson_interval(len(true) * lower, len(true))
    return lower, upper
