"""The residual of a ridge regression is what leaving each sample out gives."""

import numpy as np

from monitor.drift.ridge import PENALTIES, ridge_residual


def test_residuals_are_those_of_leaving_each_sample_out() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 5))
    y = x @ rng.standard_normal((5, 3)) + rng.standard_normal((40, 3))
    found = ridge_residual(x.astype(np.float32), y.astype(np.float32))
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    candidates = []
    for penalty in PENALTIES:
        residual = np.empty_like(yc)
        for i in range(40):
            others = np.arange(40) != i
            gram = xc[others].T @ xc[others] + penalty * np.eye(5)
            residual[i] = yc[i] - xc[i] @ np.linalg.solve(gram, xc[others].T @ yc[others])
        candidates.append(residual)
    best = min(candidates, key=lambda residual: float((residual**2).sum()))
    np.testing.assert_allclose(found, best, atol=1e-4)


def test_responses_that_follow_from_the_prompts_leave_little() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((500, 8)).astype(np.float32)
    y = (x @ rng.standard_normal((8, 6))).astype(np.float32)
    assert np.var(ridge_residual(x, y)) < 1e-3 * np.var(y)
