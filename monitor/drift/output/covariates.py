"""What else is known of the prompts, beside their embeddings.

An encoder puts texts together that speak of the same thing. How long they are, whether they ask or
command, whether they carry a table: of that it tells little, and answers depend on it. Where such
prompts become more frequent, answers change although the model doesn't. So prompts are taken to be
alike that are near in the space of the embedding and of such covariates together.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from monitor.drift.samples.embeddings import Embeddings

#: Of a normal score, where the embedding has length 1. A boolean's scores spread less than 1, so
#: it weighs less; and the more covariates there are, the less the embedding weighs beside them.
WEIGHT = 0.3


def check_covariates(
    reference: ArrayLike | None, current: ArrayLike | None, sizes: tuple[int, int]
) -> NDArray[np.float64] | None:
    """Return the covariates of both sides, float64 ``[N, k]``, the reference's first.

    Raises:
        ValueError: Only one side has any, they aren't numbers ``[n, k]`` for as many prompts, or
            the sides have different ones, or none.
    """
    if reference is None and current is None:
        return None
    if reference is None or current is None:
        raise ValueError("give covariates of both sides, or of neither")
    sides = []
    for given, n, name in zip((reference, current), sizes, ("reference", "current"), strict=True):
        try:
            side = np.asarray(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}_covariates must be numbers: {error}") from None
        sides.append(side)
        if side.ndim != 2 or len(side) != n:
            raise ValueError(
                f"{name}_covariates must be an array [n, k], a row for each of {n} prompts; "
                f"got {list(side.shape)}"
            )
    if sides[0].shape[1] != sides[1].shape[1] or not sides[0].shape[1]:
        raise ValueError("reference and current must have the same covariates, at least one")
    return np.concatenate(sides)


def append_covariates(
    reference: Embeddings, current: Embeddings, covariates: NDArray[np.float64]
) -> list[Embeddings]:
    """Return both sides' prompts with the covariates beside them, ``[n, d + k]``, in float16.

    Each covariate is replaced by the normal scores of its ranks over both sides (van der Waerden
    1952), so that neither its unit nor its outliers matter; what isn't known counts as average.

    Args:
        reference: ``[n_reference, d]``.
        current: ``[n_current, d]``.
        covariates: float64 ``[n_reference + n_current, k]``; NaN or infinite where one isn't known.
    """
    scores = WEIGHT * np.column_stack([_normal_scores(one) for one in covariates.T])
    sides = []
    for prompts, own in (
        (reference, scores[: len(reference)]),
        (current, scores[len(reference) :]),
    ):
        joint = np.empty((len(prompts), prompts.shape[1] + own.shape[1]), dtype=np.float16)
        for rows, some in prompts.chunks():
            length = np.sqrt(1.0 + (own[rows] ** 2).sum(axis=1, keepdims=True))
            joint[rows] = np.hstack([some, own[rows]]) / length
        sides.append(Embeddings((joint,)))
    return sides


def _normal_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    scores = np.zeros(len(values))
    known = np.isfinite(values)
    if known.any():
        scores[known] = norm.ppf(rankdata(values[known]) / (known.sum() + 1.0))
    return scores
