"""The textbook kernel two-sample test, calibrated by permuting samples.

Reference: Gretton, Borgwardt, Rasch, Schoelkopf & Smola, "A Kernel Two-Sample Test", JMLR 2012.
"""

import numpy as np
from numpy.typing import NDArray

#: Samples that the median distance is taken of.
BANDWIDTH_SAMPLES = 1000


def permutation_mmd(
    reference: NDArray[np.float32],
    current: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    n_permutations: int = 999,
    at_once: int = 64,
) -> float:
    """Return the p-value ``(1 + k) / (1 + B)`` of the unbiased MMD^2 with a Gaussian kernel.

    The kernel matrix is made once; its bandwidth is the median distance of the pooled samples.

    Args:
        reference: float32 ``[m, d]``.
        current: float32 ``[n, d]``.
        rng: Draws the permutations.
        n_permutations: B.
        at_once: Labellings evaluated as one matrix product; 1 is how the method is usually written.
    """
    m, n_total = len(reference), len(reference) + len(current)
    kernel = _centred_kernel(np.concatenate([reference, current]), rng)
    total = float(kernel.sum(dtype=np.float64))
    observed = np.zeros((n_total, 1), dtype=np.float32)
    observed[:m] = 1.0
    value = squared_mmd(kernel, total, observed)[0]
    larger = 0
    for start in range(0, n_permutations, at_once):
        labels = np.zeros((n_total, min(at_once, n_permutations - start)), dtype=np.float32)
        for column in labels.T:
            column[rng.permutation(n_total)[:m]] = 1.0
        larger += int((squared_mmd(kernel, total, labels) >= value).sum())
    return (1 + larger) / (1 + n_permutations)


def squared_mmd(
    kernel: NDArray[np.float32], total: float, is_reference: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the unbiased MMD^2 (eq. 3) of each column of labels, float64 ``[B]``.

    Args:
        kernel: ``[N, N]`` with zeros on the diagonal. A constant added to the rest changes nothing.
        total: Its sum.
        is_reference: ``[N, B]`` of 0 and 1, each column with as many ones.
    """
    products = kernel @ is_reference
    within = np.einsum("ij,ij->j", products, is_reference, dtype=np.float64)
    across = products.sum(axis=0, dtype=np.float64) - within
    others = total - 2 * across - within
    m = float(is_reference[:, 0].sum())
    n = len(kernel) - m
    squared: NDArray[np.float64] = (
        within / (m * (m - 1)) + others / (n * (n - 1)) - 2 * across / (m * n)
    )
    return squared


def _centred_kernel(vectors: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    norms = np.einsum("ij,ij->i", vectors, vectors)
    some = rng.permutation(len(vectors))[:BANDWIDTH_SAMPLES]
    among = norms[some][:, None] + norms[some] - 2 * vectors[some] @ vectors[some].T
    bandwidth = float(np.median(among[np.triu_indices(len(some), 1)]))
    kernel = vectors @ vectors.T
    kernel *= 2
    kernel -= norms
    kernel -= norms[:, None]
    kernel /= 2 * bandwidth
    np.exp(kernel, out=kernel)
    # What is left after the mean is small, so that single precision keeps its digits.
    kernel -= float(kernel.mean(dtype=np.float64))
    np.fill_diagonal(kernel, 0.0)
    return kernel
