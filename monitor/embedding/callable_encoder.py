"""Encoder by a function of the caller, checked."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.arrays import read_array
from monitor.errors import ModelError

#: Returns a vector for each text, in any container.
EncodeTexts = Callable[[list[str]], Any]

#: A text whose vector shows the dimension, and whether a second call gives the same one.
PROBE = "How do I change the address of my account?"
#: Least cosine of two vectors of one text. bfloat16 and other batches round by far less.
MIN_COSINE = 0.99


class CallableEncoder:
    """An encoder by a function, with the identity ``callable:<name of the function>``."""

    def __init__(self, encode: EncodeTexts) -> None:
        """Check a function on a text.

        Raises:
            ModelError: It returns no usable vectors, or other ones at a second call.
        """
        self._encode = encode
        self.identity = f"callable:{_name(encode)}"
        self.dimension = 0
        first, second = (self._vectors([PROBE])[0] for _ in range(2))
        self.dimension = len(first)
        lengths = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
        if lengths and float(first @ second) < MIN_COSINE * lengths:
            raise ModelError(
                f"the encoder {self.identity} gives one text different vectors (cosine "
                f"{float(first @ second) / lengths:.3f}); switch off dropout and sampling, as by "
                "model.eval()",
                code="unstable_encoder",
            )

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return the vectors of texts, ``[n, d]``, float16 of unit norm.

        Texts with a vector of zeros, such as empty ones, share the vector of equal coordinates:
        they count as unread.

        Raises:
            ModelError: The function returns no usable vectors.
        """
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float16)
        vectors = self._vectors(list(texts))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[lengths[:, 0] == 0.0] = 1.0
        lengths[lengths == 0.0] = np.sqrt(vectors.shape[1])
        unit: NDArray[np.float16] = (vectors / lengths).astype(np.float16)
        return unit

    def _vectors(self, texts: list[str]) -> NDArray[np.float64]:
        """Return what the function returns, checked, float64 ``[n, d]``."""
        returned = self._encode(texts)
        try:
            array = read_array(returned, "the array")
        except (TypeError, ValueError) as error:
            raise self._problem(str(error), "unusable_vectors") from None
        if array.ndim != 2 or len(array) != len(texts) or not array.shape[1]:
            raise self._problem(
                f"{list(array.shape)} for {len(texts)} texts, not [{len(texts)}, d]", "wrong_shape"
            )
        if self.dimension and array.shape[1] != self.dimension:
            raise self._problem(
                f"{array.shape[1]} coordinates after {self.dimension}", "wrong_shape"
            )
        if array.dtype.kind not in "fiu":
            raise self._problem(f"values of the type {array.dtype}", "wrong_type")
        vectors = array.astype(np.float64)
        undefined = ~np.isfinite(vectors).all(axis=1)
        if undefined.any():
            length = len(texts[int(np.flatnonzero(undefined)[0])])
            raise self._problem(
                f"NaN or infinity for {int(undefined.sum())} of {len(texts)} texts, the first of "
                f"{length} characters",
                "undefined_vectors",
            )
        return vectors

    def _problem(self, problem: str, code: str) -> ModelError:
        return ModelError(
            f"the encoder {self.identity} returned {problem}; it must return an array [n, d] of "
            "finite numbers for a list of n texts",
            code=code,
        )


def _name(encode: EncodeTexts) -> str:
    name = getattr(encode, "__qualname__", "") or type(encode).__qualname__
    return f"{getattr(encode, '__module__', None) or type(encode).__module__}.{name}"
