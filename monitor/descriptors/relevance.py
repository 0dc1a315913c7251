"""Relevance of a response to its prompt, by their embeddings."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Share of the responses to other prompts that lie below the threshold of relevance.
MISMATCHED_QUANTILE = 0.95

#: Rows that are converted at once.
_CHUNK = 8_192


def relevance(
    prompts: NDArray[np.floating[Any]], responses: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Return the cosine of each prompt and its response, float64 ``[n]`` in [-1, 1].

    Both have unit norm, ``[n, d]``, from the same encoder.

    Raises:
        ValueError: The shapes differ.
    """
    if prompts.shape != responses.shape:
        raise ValueError(
            f"prompts and responses differ in shape: {prompts.shape} and {responses.shape}; give "
            "one vector for each exchange"
        )
    cosine = np.empty(len(prompts))
    for first in range(0, len(prompts), _CHUNK):
        rows = slice(first, first + _CHUNK)
        cosine[rows] = np.einsum(
            "ij,ij->i", prompts[rows].astype(np.float32), responses[rows].astype(np.float32)
        )
    return np.clip(cosine, -1.0, 1.0)


def unrelated_threshold(
    prompts: NDArray[np.floating[Any]], responses: NDArray[np.floating[Any]]
) -> float:
    """Return the relevance below which a response is no nearer than those to other prompts.

    The quantile at :data:`MISMATCHED_QUANTILE` of the relevance of responses to the prompts half a
    window away, in order of time. A cosine has no meaning by itself: it depends on the encoder and
    on the similarity of all prompts. Both have unit norm, ``[n, d]``; n is at least two.
    """
    shifted = np.roll(responses, len(responses) // 2, axis=0)
    return float(np.quantile(relevance(prompts, shifted), MISMATCHED_QUANTILE))
