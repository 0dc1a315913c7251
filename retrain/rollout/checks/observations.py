"""Observed requests of both arms, the input of the evidence."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Observations:
    """Sampled requests of canary and stable.

    Each end user of an arm must be sampled with all requests or none, or with one rate in both
    arms: where the canary is sampled whole and one in five requests of stable, stable's users are
    those with many requests, and equal versions differ. A request's end user is known by the same
    number in ``update``'s two arguments.
    """

    #: int64 ``[n]``: hours since 1970, UTC.
    hour: NDArray[np.int64]
    #: bool ``[n]``.
    is_canary: NDArray[np.bool_]
    #: int64 ``[n]``: a number of the end user; negative: unknown.
    user: NDArray[np.int64]
    #: int64 ``[n]``: a number of the task type, 0 or more.
    task_type: NDArray[np.int64]
    #: float64 ``[n, metrics]`` in the metrics' units, NaN where there is none; the columns are
    #: ``Evidence.metrics``.
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        lengths = {len(column) for column in vars(self).values()}
        if len(lengths) > 1:
            raise ValueError(f"columns of {sorted(lengths)} rows; give one row for each request")

    def __len__(self) -> int:
        return len(self.hour)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Observations":
        """Return some of the requests."""
        return Observations(*(column[rows] for column in vars(self).values()))


def no_observations(n_metrics: int) -> Observations:
    """Return no requests."""
    whole = np.zeros(0, dtype=np.int64)
    return Observations(whole, np.zeros(0, dtype=np.bool_), whole, whole, np.zeros((0, n_metrics)))
