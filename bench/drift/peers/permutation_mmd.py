"""The textbook kernel two-sample test, calibrated by permuting samples.

Reference: Gretton, Borgwardt, Rasch, Schoelkopf & Smola, "A Kernel Two-Sample Test", JMLR 2012.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

N_PERMUTATIONS = 999
#: Samples that the median distance is taken of.
BANDWIDTH_SAMPLES = 1000


class Form(StrEnum):
    """Evaluation of the labellings: equal values at different costs."""

    #: 64 labellings as one matrix product: the fastest form that we know.
    PRODUCTS = "matrix products"
    #: One labelling as one product of the matrix with a vector.
    ONE_BY_ONE = "one by one"
    #: The kernel matrix is reordered for each labelling, and the means of its blocks are taken, as
    #: the method is usually written.
    REORDERED = "reordered"


#: Labellings evaluated together.
AT_ONCE = {Form.PRODUCTS: 64, Form.ONE_BY_ONE: 1, Form.REORDERED: 1}


class KernelTest:
    """The kernel matrix of two windows, and the statistic of any labelling."""

    def __init__(
        self,
        reference: NDArray[np.float32],
        current: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> None:
        """Compute the matrix; the bandwidth is the median distance of the pooled samples.

        Args:
            reference: float32 ``[m, d]``.
            current: float32 ``[n, d]``.
            rng: Draws the samples for the bandwidth.
        """
        self.n_reference = len(reference)
        self.kernel = _centred_kernel(np.concatenate([reference, current]), rng)
        self.total = float(self.kernel.sum(dtype=np.float64))

    def observed(self) -> float:
        """Return the unbiased MMD^2 of the windows."""
        return float(self._of_orders([np.arange(len(self.kernel))], Form.PRODUCTS)[0])

    def permuted(self, n: int, form: Form, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the statistic for n random labellings, float64 ``[n]``."""
        values = []
        for start in range(0, n, AT_ONCE[form]):
            count = min(AT_ONCE[form], n - start)
            orders = [rng.permutation(len(self.kernel)) for _ in range(count)]
            values.append(self._of_orders(orders, form))
        return np.concatenate(values)

    def _of_orders(self, orders: list[NDArray[np.int64]], form: Form) -> NDArray[np.float64]:
        m = self.n_reference
        if form is Form.REORDERED:
            return np.array([_blocks(self.kernel[order][:, order], m) for order in orders])
        labels = np.zeros((len(self.kernel), len(orders)), dtype=np.float32)
        for column, order in zip(labels.T, orders, strict=True):
            column[order[:m]] = 1.0
        return squared_mmd(self.kernel, self.total, labels)


def permutation_mmd(
    reference: NDArray[np.float32],
    current: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    n_permutations: int = N_PERMUTATIONS,
    form: Form = Form.PRODUCTS,
) -> float:
    """Return the p-value ``(1 + k) / (1 + B)`` of the unbiased MMD^2 with a Gaussian kernel.

    Args:
        reference: float32 ``[m, d]``.
        current: float32 ``[n, d]``.
        rng: Draws the permutations.
        n_permutations: B.
        form: How they are evaluated.
    """
    test = KernelTest(reference, current, rng)
    # Orders of summation differ by a rounding error: a tied labelling must count.
    least = test.observed() * (1 - 1e-5)
    larger = int((test.permuted(n_permutations, form, rng) >= least).sum())
    return (1 + larger) / (1 + n_permutations)


def _blocks(kernel: NDArray[np.float32], m: int) -> float:
    n = len(kernel) - m
    own = float(kernel[:m, :m].sum(dtype=np.float64)) / (m * (m - 1))
    own += float(kernel[m:, m:].sum(dtype=np.float64)) / (n * (n - 1))
    return own - 2 * float(kernel[:m, m:].sum(dtype=np.float64)) / (m * n)


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
    own = np.einsum("ij,ij->j", products, is_reference, dtype=np.float64)
    across = products.sum(axis=0, dtype=np.float64) - own
    current = total - 2 * across - own
    m = float(is_reference[:, 0].sum())
    n = len(kernel) - m
    squared: NDArray[np.float64] = (
        own / (m * (m - 1)) + current / (n * (n - 1)) - 2 * across / (m * n)
    )
    return squared


def _centred_kernel(vectors: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    norms = np.einsum("ij,ij->i", vectors, vectors)
    rows = rng.permutation(len(vectors))[:BANDWIDTH_SAMPLES]
    squared = norms[rows][:, None] + norms[rows] - 2 * vectors[rows] @ vectors[rows].T
    bandwidth = float(np.median(squared[np.triu_indices(len(rows), 1)]))
    kernel = vectors @ vectors.T
    kernel *= 2
    kernel -= norms
    kernel -= norms[:, None]
    kernel /= 2 * bandwidth
    np.exp(kernel, out=kernel)
    # Without the mean the values are small, so that single precision keeps their digits.
    kernel -= float(kernel.mean(dtype=np.float64))
    np.fill_diagonal(kernel, 0.0)
    return kernel
