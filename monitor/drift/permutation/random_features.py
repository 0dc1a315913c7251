r"""Random Fourier features of Gaussian kernels.

For :math:`k(x, y) = \exp(-\|x-y\|^2 / h)` and :math:`\omega \sim N(0, (2/h) I)`,
:math:`k(x, y) = E[\cos \omega^T x \cos \omega^T y + \sin \omega^T x \sin \omega^T y]`.

Reference: Rahimi & Recht, "Random Features for Large-Scale Kernel Machines", NIPS 2007, claim 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from monitor.drift.samples.embeddings import Rows

#: Bandwidths, as multiples of the median squared distance of the pool.
BANDWIDTH_FACTORS = (0.25, 1.0, 4.0)


@dataclass(frozen=True)
class RandomFeatures:
    """A fixed map ``[n, d] -> [n, 2 * n_frequencies]`` for each bandwidth."""

    #: Squared bandwidths ``h``.
    bandwidths: tuple[float, ...]
    #: float32 ``[d, n_frequencies]``, standard normal.
    directions: NDArray[np.float32]

    @property
    def width(self) -> int:
        """Return the number of features for each bandwidth."""
        return 2 * int(self.directions.shape[1])

    @property
    def scaled_directions(self) -> NDArray[np.float32]:
        """Return the frequencies of the first bandwidth, float32 ``[d, n_frequencies]``."""
        return self.directions * np.float32(np.sqrt(2.0 / self.bandwidths[0]))

    def transform(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return float32 ``[n, len(bandwidths) * width]``, bandwidth by bandwidth."""
        projected = vectors @ self.directions
        count = self.directions.shape[1]
        features = np.empty((len(vectors), len(self.bandwidths) * 2 * count), dtype=np.float32)
        for position, bandwidth in enumerate(self.bandwidths):
            angle = projected * np.float32(np.sqrt(2.0 / bandwidth))
            start = position * 2 * count
            np.cos(angle, out=features[:, start : start + count])
            np.sin(angle, out=features[:, start + count : start + 2 * count])
        features *= np.float32(1.0 / np.sqrt(count))
        return features


def fit_random_features(
    vectors: Rows,
    rng: np.random.Generator,
    *,
    n_frequencies: int = 192,
    factors: tuple[float, ...] = BANDWIDTH_FACTORS,
) -> RandomFeatures:
    """Return random features with bandwidths around the median squared distance of the pool.

    The choice is independent of the labels, so the test remains valid (Biggs, Schrab & Gretton,
    "MMD-FUSE", arXiv 2306.08777, section 4).

    Vectors are float32 ``[N, d]``, reference and current together. The factors are multiples of the
    median squared distance; ``rng`` draws the pairs for it, and the frequencies.
    """
    pairs = rng.integers(len(vectors), size=(2, 4096))
    gaps = vectors[pairs[0]] - vectors[pairs[1]]
    squared = np.einsum("ij,ij->i", gaps, gaps)
    positive = squared[squared > 1e-12]
    median = float(np.median(positive)) if positive.size else 1.0
    directions = rng.standard_normal((vectors.shape[1], n_frequencies), dtype=np.float32)
    return RandomFeatures(tuple(median * factor for factor in factors), directions)
