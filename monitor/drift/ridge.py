r"""What a linear map of the prompts doesn't explain of the responses.

:math:`E = (I - H) (Y - \bar Y)`, each row over :math:`1 - H_{ii}`, with the hat matrix :math:`H =
X (X^T X + \lambda I)^{-1} X^T` of centred prompts: the residual that a sample has when it is left
out (Allen's PRESS, Technometrics 1974). The penalty is the one of least PRESS. Labels play no part,
so labels may be permuted over the residuals.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from monitor.drift.embeddings import CHUNK_ROWS, Rows

#: Penalties that are tried; a unit-norm prompt weighs 1.
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)


def ridge_residual(prompts: Rows, responses: Rows) -> NDArray[np.float32]:
    """Return the leave-one-out residuals of the responses, float32 ``[N, e]``.

    Args:
        prompts: float32 ``[N, d]``.
        responses: float32 ``[N, e]``.
    """
    centres = _mean(prompts), _mean(responses)
    gram = np.zeros((len(centres[0]), len(centres[0])))
    cross = np.zeros((len(centres[0]), len(centres[1])))
    for _, x, y in _centred(prompts, responses, centres):
        gram += x.T @ x
        cross += x.T @ y
    spread, axes = np.linalg.eigh(gram)
    spread = np.maximum(spread, 0.0)
    target = axes.T @ cross  # in the eigenvectors' coordinates

    def residual(
        x: NDArray[np.float64], y: NDArray[np.float64], penalty: float
    ) -> NDArray[np.float64]:
        shrunk = 1.0 / (spread + penalty)
        leverage = (x**2) @ shrunk
        return np.asarray((y - x @ (shrunk[:, None] * target)) / (1.0 - leverage)[:, None])

    press = np.zeros(len(PENALTIES))
    for _, x, y in _centred(prompts, responses, centres):
        scores = x @ axes
        press += [float((residual(scores, y, penalty) ** 2).sum()) for penalty in PENALTIES]
    best = PENALTIES[int(press.argmin())]
    found = np.empty(responses.shape, dtype=np.float32)
    for rows, x, y in _centred(prompts, responses, centres):
        found[rows] = residual(x @ axes, y, best)
    return found


def _mean(vectors: Rows) -> NDArray[np.float64]:
    total = np.zeros(vectors.shape[1])
    for start in range(0, len(vectors), CHUNK_ROWS):
        total += vectors[slice(start, start + CHUNK_ROWS)].sum(axis=0, dtype=np.float64)
    return np.asarray(total / len(vectors))


def _centred(
    prompts: Rows, responses: Rows, centres: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> Iterator[tuple[slice, NDArray[np.float64], NDArray[np.float64]]]:
    """Yield some rows of both at a time, less their means."""
    for start in range(0, len(prompts), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        yield rows, prompts[rows] - centres[0], responses[rows] - centres[1]
