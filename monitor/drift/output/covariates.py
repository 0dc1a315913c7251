"""Covariates of prompts, appended to their embeddings.

An encoder places texts on one subject together. Their length, whether they ask or command, whether
they contain a table: an embedding shows little of that, and responses depend on it. Where such
prompts become more frequent, responses change although the model doesn't. So prompts are comparable
that are near in the joint space of embeddings and covariates.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from monitor.drift.samples.embeddings import Embeddings

#: Weight of a normal score relative to an embedding of length 1. The scores of a boolean spread by
#: less than 1, so it weighs less; the more covariates, the less the embedding weighs.
WEIGHT = 0.3


def check_covariates(
    reference: ArrayLike | None, current: ArrayLike | None, sizes: tuple[int, int]
) -> NDArray[np.float64] | None:
    """Return the covariates of both sides, float64 ``[N, k]``, the reference first.

    Raises:
        ValueError: Covariates of one side only, not numbers ``[n, k]`` for as many prompts, or
            different in number, or none.
    """
    if reference is None and current is None:
        return None
    if reference is None or current is None:
        missing = "reference" if reference is None else "current"
        raise ValueError(f"covariates of one side are missing: {missing}; give both or neither")
    sides = []
    for values, n, name in zip((reference, current), sizes, ("reference", "current"), strict=True):
        try:
            side = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name}_covariates must be numbers: {error}") from None
        sides.append(side)
        if side.ndim != 2 or len(side) != n:
            raise ValueError(
                f"{name}_covariates must be an array [n, k], a row for each of {n} prompts; "
                f"got {list(side.shape)}"
            )
    if sides[0].shape[1] != sides[1].shape[1] or not sides[0].shape[1]:
        raise ValueError(
            "reference and current must have the same covariates, at least one; got "
            f"{sides[0].shape[1]} and {sides[1].shape[1]}"
        )
    return np.concatenate(sides)


def append_covariates(
    reference: Embeddings, current: Embeddings, covariates: NDArray[np.float64]
) -> tuple[Embeddings, Embeddings]:
    """Return the prompts of both sides with their covariates appended, float16 ``[n, d + k]``.

    Each covariate is replaced by the normal scores of its ranks over both sides (van der Waerden
    1952), so that neither its unit nor its extremes matter; an unknown value counts as average.

    Args:
        reference: ``[n_reference, d]``.
        current: ``[n_current, d]``.
        covariates: float64 ``[n_reference + n_current, k]``; NaN or infinite if unknown.
    """
    scores = WEIGHT * np.column_stack([normal_scores(column) for column in covariates.T])
    sides = []
    for prompts, own in (
        (reference, scores[: len(reference)]),
        (current, scores[len(reference) :]),
    ):
        joint = np.empty((len(prompts), prompts.shape[1] + own.shape[1]), dtype=np.float16)
        for rows, chunk in prompts.chunks():
            length = np.sqrt(1.0 + (own[rows] ** 2).sum(axis=1, keepdims=True))
            joint[rows] = np.hstack([chunk, own[rows]]) / length
        sides.append(Embeddings((joint,)))
    return sides[0], sides[1]


def normal_scores(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal scores of the ranks of the known values ``[N]``; 0 for unknown ones."""
    scores = np.zeros(len(values))
    known = np.isfinite(values)
    if known.any():
        scores[known] = norm.ppf(rankdata(values[known]) / (known.sum() + 1.0))
    return scores
