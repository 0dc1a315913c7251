"""Residuals of a ridge regression against leaving each sample out."""

import numpy as np
from numpy.typing import NDArray

from monitor.drift.output.ridge import PENALTIES, ridge_residual


def test_residuals_are_those_of_leaving_each_sample_out() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 5))
    y = x @ rng.standard_normal((5, 3)) + rng.standard_normal((40, 3))
    residuals = ridge_residual(x.astype(np.float32), y.astype(np.float32))
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    np.testing.assert_allclose(residuals, _left_out(xc, yc), atol=1e-4)


def test_multiple_of_the_prompt_is_subtracted_first() -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((40, 5))
    y = 0.6 * x + 0.3 * x @ rng.standard_normal((5, 5)) + rng.standard_normal((40, 5))
    residuals = ridge_residual(x.astype(np.float32), y.astype(np.float32))
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    own = np.linalg.lstsq(xc.reshape(-1, 1), yc.ravel(), rcond=None)[0]
    np.testing.assert_allclose(residuals, _left_out(xc, yc - own * xc), atol=1e-4)


def test_responses_near_their_prompts_leave_smaller_residuals() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((60, 200)) / np.sqrt(200)
    y = 0.7 * x + 0.3 * rng.standard_normal((60, 200)) / np.sqrt(200)
    rotation = np.linalg.qr(rng.standard_normal((200, 200)))[0]  # keeps distances
    x, y, turned = (vectors.astype(np.float32) for vectors in (x, y, x @ rotation))
    assert np.var(ridge_residual(x, y)) < 0.5 * np.var(ridge_residual(turned, y))


def test_effect_of_covariates_is_not_shrunk() -> None:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((200, 30)).astype(np.float32)
    x[:, 29] *= 0.01  # hardly any variance: a penalty would leave it as it is
    y = (0.5 * x[:, :29] + 20.0 * x[:, 29:] @ np.ones((1, 29))).astype(np.float32)
    assert np.var(ridge_residual(x, y, n_covariates=1)) < 0.1 * np.var(ridge_residual(x, y))


def _left_out(xc: NDArray[np.float64], yc: NDArray[np.float64]) -> NDArray[np.float64]:
    n, width = xc.shape
    candidates = []
    for penalty in PENALTIES:
        residual = np.empty_like(yc)
        for i in range(n):
            other_rows = np.arange(n) != i
            gram = xc[other_rows].T @ xc[other_rows] + penalty * np.eye(width)
            residual[i] = yc[i] - xc[i] @ np.linalg.solve(gram, xc[other_rows].T @ yc[other_rows])
        candidates.append(residual)
    return min(candidates, key=lambda residual: float((residual**2).sum()))


def test_responses_that_follow_from_the_prompts_leave_little() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((500, 8)).astype(np.float32)
    y = (x @ rng.standard_normal((8, 6))).astype(np.float32)
    assert np.var(ridge_residual(x, y)) < 1e-3 * np.var(y)
