"""Stored table of the smallest drifted shares that windows show, by their sizes.

``bench/drift/detectable_shares.py`` makes the table, for one level and independent samples. Other
sizes are interpolated, other levels scaled, and messages of one user count as fewer samples
(Kish 1965).
"""

import json
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special
from scipy.interpolate import RegularGridInterpolator

from monitor.drift.permutation.bins import intraclass_correlation
from monitor.drift.power.share_search import LARGEST_SHARE, POWER

TABLE_FILE = Path(__file__).with_name("detectable_shares.json")

#: Samples from which the correlation of the messages of a user is measured.
CORRELATED_SAMPLES = 4_096

#: Novel prompts that resemble each other no more than the rest, or that are one narrow topic.
DriftKind = Literal["scattered", "new_topic"]
KINDS: tuple[DriftKind, ...] = ("new_topic", "scattered")


@dataclass(frozen=True)
class DetectableShare:
    """The smallest drifted share that windows of given sizes show in four of five."""

    kind: DriftKind
    #: ``None``: not even the largest share that was tried.
    share: float | None
    #: 95% interval: the Monte Carlo error of the search, and nothing else.
    lower: float
    upper: float


@dataclass(frozen=True)
class Table:
    """The table of one kind of drift: shares by the sizes of both sides."""

    sizes_reference: tuple[int, ...]
    sizes_current: tuple[int, ...]
    #: Logarithms of share, lower and upper limit, ``[reference, current, 3]``.
    log_shares: tuple[tuple[tuple[float, float, float], ...], ...]
    alpha: float
    min_drifted_share: float


@cache
def read_table(path: Path = TABLE_FILE) -> dict[DriftKind, Table]:
    """Return the table of each kind of drift."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    tables: dict[DriftKind, Table] = {}
    for kind in KINDS:
        cells = {
            (row["n_reference"], row["n_current"]): (row["share"], row["lower"], row["upper"])
            for row in stored["rows"]
            if row["kind"] == kind
        }
        sizes_reference = tuple(sorted({n for n, _ in cells}))
        sizes_current = tuple(sorted({n for _, n in cells}))
        # A cell that could not be measured has the share of the next smaller window.
        for n, (smaller, m) in product(sizes_reference, pairwise(sizes_current)):
            cells.setdefault((n, m), cells[n, smaller])
        logs = np.log([[cells[n, m] for m in sizes_current] for n in sizes_reference])
        tables[kind] = Table(
            sizes_reference,
            sizes_current,
            tuple(tuple(tuple(cell) for cell in row) for row in logs.tolist()),
            stored["alpha"],
            stored["min_drifted_share"],
        )
    return tables


def expected_shares(
    n_reference: float, n_current: float, *, alpha: float, min_drifted_share: float
) -> tuple[DetectableShare, ...]:
    """Return what windows of these sizes show, by the table.

    Beyond the largest sizes of the table the shares are those of the largest, so that they are
    too large rather than too small.

    Args:
        n_reference: Effective number of samples: users' messages that resemble each other count
            as fewer; see :func:`effective_size`.
        n_current: The same.
        alpha: Level of the test.
        min_drifted_share: Least estimate of an alarm.

    Returns:
        A share for each kind of drift.
    """
    return tuple(
        _look_up(kind, table, (n_reference, n_current), alpha, min_drifted_share)
        for kind, table in read_table().items()
    )


def effective_size(n: float, weighted_mean_size: float, correlation: float) -> float:
    """Return the number of independent samples that carry as much (Kish 1965, section 5.4).

    Args:
        n: Samples.
        weighted_mean_size: Messages of the user of a random sample, on average.
        correlation: Intraclass correlation of the messages of a user.

    Returns:
        At most ``n``.
    """
    return n / (1.0 + (max(weighted_mean_size, 1.0) - 1.0) * correlation)


def level_factor(alpha: float, table_alpha: float) -> float:
    """Return by what the shares of a table grow at another level.

    The excess has to be larger by the ratio of two normal quantiles, and more, as p-values that
    fuse several tests fall more slowly: the ratio is squared. At a laxer level than the table's
    the share stays as it is: too large rather than too small.
    """
    quantiles = -special.ndtri(np.array([min(alpha, table_alpha), table_alpha]))
    strict, usual = quantiles + float(special.ndtri(POWER))
    return float((strict / usual) ** 2)


def _look_up(
    kind: DriftKind,
    table: Table,
    sizes: tuple[float, float],
    alpha: float,
    min_drifted_share: float,
) -> DetectableShare:
    axes = (np.log(table.sizes_reference), np.log(table.sizes_current))
    place = [
        min(float(np.log(max(size, 1.0))), float(axis[-1]))
        for size, axis in zip(sizes, axes, strict=True)
    ]
    # Below the smallest sizes the lines are extended.
    interpolate = RegularGridInterpolator(
        axes, np.array(table.log_shares), bounds_error=False, fill_value=None
    )
    shares = np.exp(interpolate(place)[0]) * level_factor(alpha, table.alpha)
    if min_drifted_share > table.min_drifted_share:
        # An estimate of twice the threshold passes it in most windows.
        shares = np.maximum(shares, 2.0 * min_drifted_share)
    share, lower, upper = shares.tolist()
    if share > LARGEST_SHARE:
        return DetectableShare(kind, None, LARGEST_SHARE, 1.0)
    return DetectableShare(kind, share, min(lower, share), min(max(upper, share), 1.0))


def measure_user_correlation(vectors: NDArray[np.floating[Any]], users: NDArray[np.int64]) -> float:
    """Return the intraclass correlation of the samples of a user, from some thousand samples.

    Args:
        vectors: ``[n, d]``.
        users: int64 ``[n]``, from 0 without gaps.

    Returns:
        Between 0 and 1.
    """
    # All samples of the users of the lowest numbers.
    rows = np.argsort(users, kind="stable")[:CORRELATED_SAMPLES]
    return intraclass_correlation(np.asarray(vectors[rows], dtype=np.float32), users[rows])
