"""Matched units of two arms: users of the same hour and task type.

A unit is a user's mean within an hour: requests of one user are alike, and a test that takes them
for independent finds differences between equal arms. Its cell is the hour with the user's most
frequent task type. In each cell the units of the larger arm are dealt at random to those of the
smaller, until none is left. Both arms of a cell live at the same time, so what changes for both,
a base rate or the weights, cancels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Units:
    """Users' means within an hour."""

    #: ``[n]``.
    hour: Integers
    #: ``[n]``: numbers of the cells.
    cell: Integers
    #: ``[n]``.
    is_canary: Booleans
    #: ``[n, m]``: means of m values; NaN where a user has none.
    values: Floats
    #: ``[n]``: the user; negative for a request without one.
    user: Integers

    def __len__(self) -> int:
        return len(self.cell)


def user_means(
    hour: Integers, is_canary: Booleans, user: Integers, task_type: Integers, values: Floats
) -> Units:
    """Return the units of requests.

    All are ``[n]``, but the values ``[n, m]``, NaN where a request has none. A user's number is
    negative where unknown, and then a unit of its own; that of a task type is 0 or more.
    """
    if not len(hour):
        return Units(hour, task_type, is_canary, values, user)
    identity = np.where(user < 0, -1 - np.arange(len(user)), user)
    first, unit = _groups(hour, is_canary.astype(np.int64), identity)
    kind = _most_frequent(unit, task_type, len(first))
    _, cell = _groups(hour[first], kind)
    return Units(
        hour[first],
        cell,
        is_canary[first],
        group_means(unit, values, len(first)),
        user[first],
    )


def group_means(group: Integers, values: Floats, n_groups: int) -> Floats:
    """Return the means of groups of rows, ``[n_groups, m]``; NaN where a group has no value."""
    present = ~np.isnan(values)
    m = values.shape[1]
    place = (group[:, None] * m + np.arange(m)).reshape(-1)
    sums, counts = (
        np.bincount(place, weights.reshape(-1), minlength=n_groups * m).reshape(n_groups, m)
        for weights in (np.where(present, values, 0.0), present.astype(np.float64))
    )
    return np.asarray(np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan))


def deal(cell: Integers, is_canary: Booleans, rng: np.random.Generator) -> Integers:
    """Deal the units of each cell's larger arm to those of its smaller arm.

    Return int64 ``[n]``: the number of each unit's pair; -1 where the cell has one arm only.
    """
    n_cells = int(cell.max()) + 1 if len(cell) else 0
    arm = is_canary.astype(np.int64)
    counts = np.bincount(cell * 2 + arm, minlength=2 * n_cells).reshape(-1, 2)
    smaller = counts.min(axis=1)
    # Of arms of one size either may be dealt: one unit each.
    position = _random_rank(cell * 2 + arm, rng) % np.maximum(smaller, 1)[cell]
    first = np.concatenate([[0], np.cumsum(smaller)[:-1]]).astype(np.int64)
    return np.asarray(np.where(smaller[cell] > 0, first[cell] + position, -1))


def pair_means(is_canary: Booleans, pair: Integers, values: Floats) -> tuple[Floats, Floats]:
    """Return the means of each pair's stable units and of its canary units, ``[pairs, m]`` each.

    ``is_canary`` and ``pair``, from :func:`deal`, are ``[n]``; values are ``[n, m]``.
    """
    n_pairs = int(pair.max(initial=-1)) + 1
    stable, canary = ~is_canary & (pair >= 0), is_canary & (pair >= 0)
    return (
        group_means(pair[stable], values[stable], n_pairs),
        group_means(pair[canary], values[canary], n_pairs),
    )


def _groups(*keys: Integers) -> tuple[Integers, Integers]:
    """Return the first row of each group of equal keys, and each row's group; in key order."""
    order = np.lexsort(keys[::-1])
    changes = np.zeros(len(order), dtype=np.bool_)
    changes[0] = True
    for key in keys:
        changes[1:] |= key[order[1:]] != key[order[:-1]]
    group = np.empty(len(order), dtype=np.int64)
    group[order] = np.cumsum(changes) - 1
    return order[changes], group


def _most_frequent(group: Integers, kind: Integers, n_groups: int) -> Integers:
    """Return each group's most frequent kind, the lowest of several."""
    first, pair = _groups(group, kind)
    counts = np.bincount(pair)
    order = np.lexsort((kind[first], -counts, group[first]))
    owners = group[first][order]
    result = np.zeros(n_groups, dtype=np.int64)
    # Assigned in reverse, so that the most frequent kind of each group comes last.
    result[owners[::-1]] = kind[first][order][::-1]
    return result


def _random_rank(group: Integers, rng: np.random.Generator) -> Integers:
    """Return the position of each row within its group, in random order."""
    order = np.lexsort((rng.random(len(group)), group))
    ordered = group[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(starts, len(ordered)))
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(ordered)) - np.repeat(starts, lengths)
    return rank
