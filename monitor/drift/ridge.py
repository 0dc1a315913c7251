r"""What a linear map of the prompts doesn't explain of the responses.

:math:`E = (I - H) (Y - \bar Y)`, each row over :math:`1 - H_{ii}`, with the hat matrix :math:`H =
X (X^T X + \lambda I)^{-1} X^T` of centred prompts: the residual that a sample has when it is left
out (Allen's PRESS, Technometrics 1974). The penalty is the one of least PRESS. Labels play no part,
so labels may be permuted over the residuals.
"""

import numpy as np
from numpy.typing import NDArray

#: Penalties that are tried; a unit-norm prompt weighs 1.
PENALTIES = (1.0, 3.0, 10.0, 30.0, 100.0)


def ridge_residual(
    prompts: NDArray[np.float32], responses: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the leave-one-out residuals of the responses, float32 ``[N, e]``.

    Args:
        prompts: float32 ``[N, d]``.
        responses: float32 ``[N, e]``.
    """
    x = (prompts - prompts.mean(axis=0)).astype(np.float64)
    y = (responses - responses.mean(axis=0)).astype(np.float64)
    spread, axes = np.linalg.eigh(x.T @ x)
    spread = np.maximum(spread, 0.0)
    scores = x @ axes  # x in the eigenvectors' coordinates
    target = scores.T @ y
    best, least = y, np.inf
    for penalty in PENALTIES:
        shrunk = 1.0 / (spread + penalty)
        leverage = (scores**2) @ shrunk
        residual = (y - scores @ (shrunk[:, None] * target)) / (1.0 - leverage)[:, None]
        press = float((residual**2).sum())
        if press < least:
            best, least = residual, press
    return np.asarray(best, dtype=np.float32)
