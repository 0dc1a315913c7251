r"""Final sample of a window: a pure function of the stored rows.

With the rows' randomness :math:`R_i` in a stratum (a task type of the window), the floor's size k
and :math:`R_{(k+1)}` the (k + 1)-th largest distinct randomness (-1 where there are fewer), the
final threshold of a row is

.. math:: \tau_i = \min\{T_i, \max(A_i, R_{(k+1)} + 1)\},

where :math:`T_i` is the threshold of its own rate and :math:`A_i` that of what was decoded. The row
is in the sample when :math:`R_i \ge \tau_i`, with probability :math:`p_i = u_i (2^{56} - \tau_i) /
2^{56}`, :math:`u_i` being that of independent stages before. So a stratum with more than k samples
by its rate keeps just these, another the k of largest randomness, and one with k or fewer all that
there is. Given the others of its stratum, a row's threshold doesn't depend on its own randomness
when it is in the sample; so sums weighted by :math:`1 / p_i` are unbiased.

References:
    Cohen & Kaplan, "Summarizing data using bottom-k sketches", PODC 2007 (rank conditioning).
    Ting, "Adaptive threshold sampling", SIGMOD 2022 (substitutable thresholds; the minimum of two).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from monitor.store.traffic.exchange_columns import SPACE, Exchanges


@dataclass(frozen=True)
class FinalSample:
    """The final sample of a window."""

    rows: Exchanges
    #: A remark on the sample; or empty.
    remark: str = ""


def final_sample(rows: Exchanges, bounds: tuple[datetime, datetime]) -> FinalSample:
    """Return the final sample of a window's rows, with its inclusion probabilities.

    The floor counts where it was in force for the whole window, which must be whole days of UTC;
    elsewhere each task type is left with the sample of its rate, and a remark says so.
    """
    size = int(rows.min_sample_size.min()) if len(rows) else 0
    whole_days = all(at.astimezone(UTC).time() == datetime.min.time() for at in bounds)
    remark = ""
    if rows.min_sample_size.any() and not (size and whole_days):
        remark = (
            "The floor of samples was not in force for the whole window, or the window isn't whole "
            "days: rare task types have the samples of their rate only."
        )
        size = 0
    threshold = final_thresholds(
        rows.randomness, rows.threshold, rows.candidate_threshold, rows.task_types, size=size
    )
    rows_left = np.flatnonzero(rows.randomness >= threshold)
    if len(rows_left) == len(rows) and (threshold == rows.threshold).all():
        return FinalSample(rows, remark)
    own, stored = _probability(rows.threshold), rows.inclusion_probability
    earlier = np.where(stored == own, 1.0, stored / own)
    probability = np.where(threshold == rows.threshold, stored, earlier * _probability(threshold))
    final = replace(rows, threshold=threshold, inclusion_probability=probability)
    return FinalSample(final.take(rows_left), remark)


def final_thresholds(
    randomness: NDArray[np.int64],
    threshold: NDArray[np.int64],
    candidate_threshold: NDArray[np.int64],
    strata: Sequence[str],
    *,
    size: int,
) -> NDArray[np.int64]:
    """Return each row's final threshold, int64 ``[n]``.

    All are int64, ``[n]``: ``threshold`` of each one's own rate, ``candidate_threshold`` at most
    that. ``size`` is the floor's, k; 0 leaves the thresholds as they are.
    """
    if size == 0:
        return threshold
    number_of = {name: number for number, name in enumerate(dict.fromkeys(strata))}
    stratum = np.array([number_of[name] for name in strata], dtype=np.int64)
    # Exchanges of one randomness (of a record, of a user as the key) come and go together.
    pairs = np.unique(np.column_stack([stratum, randomness]), axis=0)
    n_distinct = np.bincount(pairs[:, 0])
    ends = np.cumsum(n_distinct)
    bottom_k = np.zeros(len(ends), dtype=np.int64)
    large = n_distinct > size
    bottom_k[large] = pairs[ends[large] - size - 1, 1] + 1
    lowered: NDArray[np.int64] = np.maximum(candidate_threshold, bottom_k[stratum])
    return np.minimum(threshold, lowered)


def _probability(threshold: NDArray[np.int64]) -> NDArray[np.float64]:
    return (SPACE - threshold).astype(np.float64) / SPACE
