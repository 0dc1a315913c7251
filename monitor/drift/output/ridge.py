r"""Ridge regression of the responses on the prompts, and its leave-one-out residuals.

A response is about the subject of its prompt, and one encoder places the two near each other. So
the map is shrunk towards a multiple :math:`a` of the identity, which few samples determine, rather
than towards 0: :math:`E = (I - H) (Y - \bar Y - a X)`, each row over :math:`1 - H_{ii}`, with the
hat matrix :math:`H = X (X^T X + \lambda I)^{-1} X^T` of centred prompts. That is the residual of a
sample that is left out, at fixed :math:`a` (Allen's PRESS, Technometrics 1974). The penalty
minimises PRESS. The labels aren't used, so they may be permuted over the residuals.
"""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.drift.samples.embeddings import CHUNK_ROWS

#: Penalties to choose from; a unit-norm prompt weighs 1.
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)
#: Scale of the covariates: they are few, and no penalty shrinks their coefficients.
UNSHRUNK = 30.0


class RowSource(Protocol):
    """Rows of numbers that are read in slices."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the number of rows and of columns."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def __getitem__(self, rows: slice, /) -> NDArray[np.float32]:
        """Return some rows."""


def ridge_residual(
    prompts: RowSource,
    responses: RowSource,
    *,
    n_covariates: int = 0,
    n_scored: int | None = None,
    same_space: bool = True,
) -> NDArray[np.float32]:
    """Return the leave-one-out residuals of the responses, float32 ``[N, e]``.

    Args:
        prompts: float32 ``[N, d]``.
        responses: float32 ``[N, e]``. Where e isn't the width of the prompts' embeddings,
            :math:`a` is 0.
        n_covariates: Number of trailing coordinates of the prompts that aren't part of the
            embedding; their coefficients aren't shrunk.
        n_scored: The leading columns of the responses that decide the penalty; ``None``: all.
        same_space: Whether one encoder placed prompts and responses; otherwise :math:`a` is 0.
    """
    centres = _mean(prompts), _mean(responses)
    gram = np.zeros((len(centres[0]), len(centres[0])))
    cross = np.zeros((len(centres[0]), len(centres[1])))
    for _, x, y in _centred(prompts, responses, centres, 0.0, n_covariates):
        gram += x.T @ x
        cross += x.T @ y
    same_space = same_space and len(gram) - n_covariates == cross.shape[1]
    own = _own_share(gram, cross) if same_space else 0.0
    spread, axes = np.linalg.eigh(gram)
    spread = np.maximum(spread, 0.0)
    unexplained = cross - own * gram[:, : cross.shape[1]] if own else cross
    target = axes.T @ unexplained  # in the eigenvectors' coordinates

    def residual(
        x: NDArray[np.float64], y: NDArray[np.float32], penalty: float, columns: slice
    ) -> NDArray[np.float32]:
        shrunk = 1.0 / (spread + penalty)
        left = (1.0 - (x**2) @ shrunk).astype(np.float32)
        slopes = (shrunk[:, None] * target[:, columns]).astype(np.float32)
        return np.asarray((y[:, columns] - x.astype(np.float32) @ slopes) / left[:, None])

    scored, press = slice(n_scored), np.zeros(len(PENALTIES))
    for _, x, y in _centred(prompts, responses, centres, own, n_covariates):
        scores, narrow = x @ axes, y.astype(np.float32)
        for index, penalty in enumerate(PENALTIES):
            left_out = residual(scores, narrow, penalty, scored)
            press[index] += np.vdot(left_out, left_out)
    best = PENALTIES[int(press.argmin())]
    residuals = np.empty(responses.shape, dtype=np.float32)
    for rows, x, y in _centred(prompts, responses, centres, own, n_covariates):
        residuals[rows] = residual(x @ axes, y.astype(np.float32), best, slice(None))
    return residuals


def _own_share(gram: NDArray[np.float64], cross: NDArray[np.float64]) -> float:
    """Return the multiple of the prompts that is nearest to the responses, by least squares."""
    width = cross.shape[1]
    variance = float(np.trace(gram[:width, :width]))
    return float(np.trace(cross)) / variance if variance > 0.0 else 0.0


def _mean(vectors: RowSource) -> NDArray[np.float64]:
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(vectors), CHUNK_ROWS):
        total += vectors[slice(start, start + CHUNK_ROWS)].sum(axis=0, dtype=np.float64)
    return np.asarray(total / len(vectors))


def _centred(
    prompts: RowSource,
    responses: RowSource,
    centres: tuple[NDArray[np.float64], NDArray[np.float64]],
    own: float = 0.0,
    n_covariates: int = 0,
) -> Iterator[tuple[slice, NDArray[np.float64], NDArray[np.float64]]]:
    """Yield both in chunks, less their means; responses also less the multiple of the prompts."""
    for start in range(0, len(prompts), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        x, y = prompts[rows] - centres[0], responses[rows] - centres[1]
        x[:, len(centres[0]) - n_covariates :] *= UNSHRUNK
        yield rows, x, y - own * x[:, : y.shape[1]] if own else y
