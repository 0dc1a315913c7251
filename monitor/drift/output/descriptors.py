"""Descriptors of responses, less the part that their prompts explain.

A response's length or repetition depends on its prompt. So the scores of each descriptor are
regressed on the prompts of both sides (:mod:`monitor.drift.output.ridge`), with the squares of the
covariates: a long prompt gets a long response, a very long one often a short one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from monitor.drift.output.covariates import normal_scores
from monitor.drift.output.ridge import ridge_residual
from monitor.drift.samples.embeddings import RowIndex, Rows
from monitor.drift.samples.pool import Pool

#: A smaller standard deviation is rounding.
MIN_SPREAD = 1e-6
#: Directions with less of the residuals' variance than this are left out: descriptors that agree.
MIN_VARIANCE = 0.05
#: Quantiles beyond which values don't count in an effect, so that no extreme response decides it.
EXTREMES = (0.01, 0.99)


@dataclass(frozen=True, kw_only=True, eq=False)
class ResponseDescriptor:
    """A number computed from each response: length, repetition, refusal."""

    name: str
    #: ``[n_reference]``; NaN where it doesn't apply.
    reference: ArrayLike
    #: ``[n_current]``
    current: ArrayLike
    #: Whether its change is relative to the reference's mean; of numbers of 0 or more.
    is_relative: bool = False


@dataclass(frozen=True, eq=False)
class PooledDescriptors:
    """The descriptors of all responses in the order of the pool."""

    names: tuple[str, ...]
    #: bool ``[k]``
    is_relative: NDArray[np.bool_]
    #: float64 ``[N, k]``
    values: NDArray[np.float64]

    def part(self, rows: NDArray[np.int64]) -> "PooledDescriptors":
        """Return some of the responses."""
        return PooledDescriptors(self.names, self.is_relative, self.values[rows])


def pool_descriptors(
    descriptors: Sequence[ResponseDescriptor], sizes: tuple[int, int]
) -> PooledDescriptors | None:
    """Return the descriptors of both sides, the reference first; ``None`` without any.

    Raises:
        ValueError: Not one number for each response, or a name twice.
    """
    if not descriptors:
        return None
    names = tuple(descriptor.name for descriptor in descriptors)
    if len(set(names)) < len(names):
        raise ValueError(f"descriptors must have different names; got {', '.join(names)}")
    columns = []
    for descriptor in descriptors:
        try:
            sides = [
                np.asarray(side, dtype=np.float64)
                for side in (descriptor.reference, descriptor.current)
            ]
        except (TypeError, ValueError) as error:
            raise ValueError(f"descriptor {descriptor.name!r} must be numbers: {error}") from None
        shapes = [side.shape for side in sides]
        if shapes != [(n,) for n in sizes]:
            raise ValueError(
                f"descriptor {descriptor.name!r} must have a number for each of {sizes[0]} and "
                f"{sizes[1]} responses; got {list(shapes[0])} and {list(shapes[1])}"
            )
        columns.append(np.concatenate(sides))
    is_relative = np.array([descriptor.is_relative for descriptor in descriptors])
    return PooledDescriptors(names, is_relative, np.column_stack(columns))


@dataclass(frozen=True, eq=False)
class ScaledDescriptors:
    """The descriptors of all responses on common scales, ``[N, k]``; 0 where one is unknown."""

    is_known: NDArray[np.bool_]
    #: float64: normal scores.
    scores: NDArray[np.float64]
    #: float64, in units of ``unit``, without extremes; and the same less their mean.
    values: NDArray[np.float64]
    centred: NDArray[np.float64]
    #: float64 ``[k]``: the standard deviation.
    unit: NDArray[np.float64]
    #: float64 ``[k]``: the largest difference of two values; no mean can change by more.
    reach: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> "ScaledDescriptors":
        """Scale values ``[N, k]``, by both sides together."""
        is_known = np.isfinite(values)
        masked = np.where(is_known, values, np.nan)
        scores = np.column_stack([normal_scores(column) for column in masked.T])
        centred, own_values = np.zeros_like(values), np.zeros_like(values)
        unit, reach = np.ones(values.shape[1]), np.zeros(values.shape[1])
        for index, column in enumerate(values.T):
            known = is_known[:, index]
            if not known.any():
                continue
            own = column[known]
            reach[index] = np.ptp(own)
            if len(np.unique(own)) > 2:
                own = np.clip(own, *np.quantile(own, EXTREMES))
            unit[index] = max(float(own.std()), MIN_SPREAD)
            centred[known, index] = (own - own.mean()) / unit[index]
            own_values[known, index] = own / unit[index]
        return cls(is_known, scores, own_values, centred, unit, reach)


@dataclass(frozen=True, eq=False)
class DescriptorResiduals:
    """Residuals of descriptors after the regression on the prompts; 0 where a value is unknown."""

    names: tuple[str, ...]
    is_relative: NDArray[np.bool_]
    #: float32 ``[N, k]``: of the normal scores, of standard deviation 1.
    scores: NDArray[np.float32]
    #: float32 ``[N, k]``: of the values, in units of ``unit``.
    values: NDArray[np.float32]
    unit: NDArray[np.float64]
    #: float64 ``[k]``: the largest difference of two values; no mean can change by more.
    reach: NDArray[np.float64]
    #: float32 ``[N, k]``: of the label of the current side.
    labels: NDArray[np.float32]
    #: float32 ``[N, k]``: the reference's values themselves, in units of ``unit``, and 0 on the
    #: current side; and the label itself. They give the mean that a change is relative to.
    reference_values: NDArray[np.float32]
    own_labels: NDArray[np.float32]

    @cached_property
    def whitened(self) -> NDArray[np.float32]:
        """Return uncorrelated combinations of the scores, of standard deviation 1, ``[N, j]``."""
        variance, axes = np.linalg.eigh(np.atleast_2d(np.cov(self.scores.T)))
        used = variance > MIN_VARIANCE
        combined = self.scores @ (axes[:, used] / np.sqrt(variance[used]))
        return np.asarray(combined, dtype=np.float32)

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """Return scores, combinations, values and labels side by side, and the last two as such."""
        changes = (self.values, self.labels, self.reference_values, self.own_labels)
        return np.hstack([self.scores, self.whitened, *changes])

    @property
    def blocks(self) -> dict[str, int]:
        """Return the name and width of each block of the features."""
        k = len(self.names)
        return {"descriptors": k, "descriptors_joint": self.whitened.shape[1], "changes": 4 * k}


def residual_descriptors(
    pool: Pool, descriptors: PooledDescriptors, *, n_covariates: int
) -> DescriptorResiduals:
    """Return the residuals of descriptors given the prompts.

    Only scores are tested. They, their regression and its penalty don't depend on the labels; those
    of the values and labels give the size of a change, and depend on nothing but the penalty.

    The descriptors are in the order of the pool; the trailing ``n_covariates`` coordinates of the
    prompts are covariates.
    """
    scaled = ScaledDescriptors.of(descriptors.values)
    k = len(descriptors.names)
    residual = ridge_residual(
        _WithSquares(pool.vectors, n_covariates),
        np.hstack([scaled.scores, scaled.centred, pool.is_current[:, None]]).astype(np.float32),
        n_covariates=2 * n_covariates,
        n_scored=k,
        same_space=False,
    )
    tested = np.where(scaled.is_known, residual[:, :k], 0.0)
    spread = tested.std(axis=0)
    tested = np.where(spread > MIN_SPREAD, tested / np.maximum(spread, MIN_SPREAD), 0.0)
    is_known = scaled.is_known
    label = pool.is_current[:, None]
    return DescriptorResiduals(
        names=descriptors.names,
        is_relative=descriptors.is_relative,
        scores=tested.astype(np.float32),
        values=np.where(is_known, residual[:, k : 2 * k], 0.0).astype(np.float32),
        unit=scaled.unit,
        reach=scaled.reach,
        labels=np.where(is_known, residual[:, -1:], 0.0).astype(np.float32),
        reference_values=np.where(label, 0.0, scaled.values).astype(np.float32),
        own_labels=(label & is_known).astype(np.float32),
    )


class _WithSquares:
    """Prompts with the squares of their covariates appended."""

    def __init__(self, prompts: Rows, n_covariates: int) -> None:
        self._prompts = prompts
        self._n_covariates = n_covariates

    def __len__(self) -> int:
        return len(self._prompts)

    @property
    def shape(self) -> tuple[int, int]:
        return len(self._prompts), self._prompts.shape[1] + self._n_covariates

    def __getitem__(self, rows: RowIndex) -> NDArray[np.float32]:
        tested = self._prompts[rows]
        return np.hstack([tested, tested[:, tested.shape[1] - self._n_covariates :] ** 2])
