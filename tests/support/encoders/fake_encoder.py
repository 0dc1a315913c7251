"""Fake encoder: a vector derived from the text alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest


class FakeEncoder:
    """An encoder of eight dimensions and unit norm, without a model."""

    identity = "fake@1/max0"
    dimension = 8

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return ``[n, 8]``."""
        vectors = np.empty((len(texts), self.dimension))
        for row, text in enumerate(texts):
            vectors[row] = np.random.default_rng(xxh3_64_intdigest(text.encode())).normal(size=8)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
