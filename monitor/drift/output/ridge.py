r"""What a linear map of the prompts doesn't explain of the responses.

A response speaks of what its prompt speaks of, and one encoder puts the two near each other. So the
map is shrunk towards a multiple :math:`a` of the identity, which takes few samples to find, rather
than towards 0: :math:`E = (I - H) (Y - \bar Y - a X)`, each row over :math:`1 - H_{ii}`, with the
hat matrix :math:`H = X (X^T X + \lambda I)^{-1} X^T` of centred prompts. That is the residual of a
sample that is left out, :math:`a` held as it is (Allen's PRESS, Technometrics 1974). The penalty is
the one of least PRESS. Labels play no part, so labels may be permuted over the residuals.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.drift.samples.embeddings import CHUNK_ROWS, Rows

#: Penalties that are tried; a unit-norm prompt weighs 1.
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)
#: Covariates are few: times this, no penalty shrinks what is told by them.
UNSHRUNK = 30.0


def ridge_residual(prompts: Rows, responses: Rows, *, n_covariates: int = 0) -> NDArray[np.float32]:
    """Return the leave-one-out residuals of the responses, float32 ``[N, e]``.

    Args:
        prompts: float32 ``[N, d]``.
        responses: float32 ``[N, e]``. Where that isn't the prompts' width without the covariates,
            :math:`a` is 0.
        n_covariates: The last coordinates of the prompts that are no part of their embedding. What
            they tell isn't shrunk.
    """
    centres = _mean(prompts), _mean(responses)
    gram = np.zeros((len(centres[0]), len(centres[0])))
    cross = np.zeros((len(centres[0]), len(centres[1])))
    for _, x, y in _centred(prompts, responses, centres, 0.0, n_covariates):
        gram += x.T @ x
        cross += x.T @ y
    own = _own_share(gram, cross) if len(gram) - n_covariates == cross.shape[1] else 0.0
    spread, axes = np.linalg.eigh(gram)
    spread = np.maximum(spread, 0.0)
    unexplained = cross - own * gram[:, : cross.shape[1]] if own else cross
    target = axes.T @ unexplained  # in the eigenvectors' coordinates

    def residual(
        x: NDArray[np.float64], y: NDArray[np.float64], penalty: float
    ) -> NDArray[np.float64]:
        shrunk = 1.0 / (spread + penalty)
        leverage = (x**2) @ shrunk
        return np.asarray((y - x @ (shrunk[:, None] * target)) / (1.0 - leverage)[:, None])

    press = np.zeros(len(PENALTIES))
    for _, x, y in _centred(prompts, responses, centres, own, n_covariates):
        scores = x @ axes
        press += [float((residual(scores, y, penalty) ** 2).sum()) for penalty in PENALTIES]
    best = PENALTIES[int(press.argmin())]
    found = np.empty(responses.shape, dtype=np.float32)
    for rows, x, y in _centred(prompts, responses, centres, own, n_covariates):
        found[rows] = residual(x @ axes, y, best)
    return found


def _own_share(gram: NDArray[np.float64], cross: NDArray[np.float64]) -> float:
    """Return the multiple of the prompts that is nearest to the responses."""
    width = cross.shape[1]
    variance = float(np.trace(gram[:width, :width]))
    return float(np.trace(cross)) / variance if variance > 0.0 else 0.0


def _mean(vectors: Rows) -> NDArray[np.float64]:
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(vectors), CHUNK_ROWS):
        total += vectors[slice(start, start + CHUNK_ROWS)].sum(axis=0, dtype=np.float64)
    return np.asarray(total / len(vectors))


def _centred(
    prompts: Rows,
    responses: Rows,
    centres: tuple[NDArray[np.float64], NDArray[np.float64]],
    own: float = 0.0,
    n_covariates: int = 0,
) -> Iterator[tuple[slice, NDArray[np.float64], NDArray[np.float64]]]:
    """Yield some rows of both at a time, less their means, and responses less their own part."""
    for start in range(0, len(prompts), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        x, y = prompts[rows] - centres[0], responses[rows] - centres[1]
        x[:, len(centres[0]) - n_covariates :] *= UNSHRUNK
        yield rows, x, y - own * x[:, : y.shape[1]] if own else y
