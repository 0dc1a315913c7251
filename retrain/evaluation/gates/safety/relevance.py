"""Responses that have no more to do with their prompt than with other prompts.

A response is related to a prompt by the content words that they share, and those that it shares
with the responses to the prompts nearest to it. An unrelated system is nearer to half of the other
prompts than to its own in half of its responses, a helpful one hardly ever.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from monitor.descriptors.refusals.rule import fold
from retrain.evaluation.gates.least_items import MIN_ITEMS
from retrain.evaluation.metrics.content_words import content_units

#: Share of the responses nearer to most other prompts from which these are unrelated, and by how
#: much it may exceed that of another system.
MAX_SHARE, MAX_EXCESS = 0.2, 0.05
#: Prompts whose responses a response is compared with.
N_NEAREST = 5
#: Most responses that are compared with each other.
MAX_RESPONSES = 2000

Matrix = NDArray[np.float64]


def unrelated_responses(
    prompts: Sequence[str], responses: Sequence[str], reference: Sequence[str] = ()
) -> NDArray[np.bool_]:
    """Return whether each response is nearer to most other prompts, ``[n]``.

    None, if these are few, as with any system, or there are too few responses. ``reference`` are
    the responses of another system, which shows how many are few on these prompts.
    """
    rows = _nearer_to_most(prompts, responses)
    if not rows.any():
        return rows
    limit = MAX_SHARE
    if reference:
        limit = min(limit, _nearer_to_most(prompts, reference).mean() + MAX_EXCESS)
    return rows if rows.mean() > limit else np.zeros_like(rows)


def _nearer_to_most(prompts: Sequence[str], responses: Sequence[str]) -> NDArray[np.bool_]:
    rows = np.zeros(len(prompts), dtype=bool)
    n = min(len(prompts), MAX_RESPONSES)
    if n >= MIN_ITEMS:
        near = _nearness(prompts[:n], responses[:n])
        own = np.diag(near)[:, None]
        ahead = (near > own + 1e-9).sum(axis=1) + (np.abs(near - own) <= 1e-9).sum(axis=1) / 2 - 0.5
        rows[:n] = ahead > (n - 1) / 2
    return rows


def _nearness(prompts: Sequence[str], responses: Sequence[str]) -> Matrix:
    """Return how near each response is to each prompt, ``[n, n]``."""
    n = len(prompts)
    vectors = _vectors([*prompts, *responses], n)
    requests, replies = vectors[:n], vectors[n:]
    between = (requests @ requests.T).toarray()
    np.fill_diagonal(between, -1)
    nearest = np.argsort(-between, axis=1, kind="stable")[:, :N_NEAREST]
    # ``[prompt, response]``: whether it responds to one of the prompts nearest to that one.
    is_near = np.zeros((n, n))
    np.put_along_axis(is_near, nearest, 1.0, axis=1)
    alike = (replies @ replies.T).toarray()
    total = alike @ is_near.T - np.diag(alike)[:, None] * is_near.T
    return np.asarray((replies @ requests.T).toarray() + total / (N_NEAREST - is_near.T))


def _vectors(texts: Sequence[str], n_prompts: int) -> sparse.csr_matrix:
    """Return unit vectors of content words; a word weighs more, the fewer prompts or responses."""
    columns: dict[str, int] = {}
    words = [
        sorted({columns.setdefault(word, len(columns)) for word in content_units(fold(text))})
        for text in texts
    ]
    sizes = [len(own) for own in words]
    values = np.ones(sum(sizes))
    indices = np.array([word for own in words for word in own], dtype=np.int64)
    counts = sparse.csr_matrix(
        (values, indices, np.cumsum([0, *sizes])), shape=(len(texts), max(1, len(columns)))
    )
    parts = []
    for part in (counts[:n_prompts], counts[n_prompts:]):
        frequency = np.asarray(part.sum(axis=0)).ravel()
        weighted = part @ sparse.diags(np.log((n_prompts + 1) / (frequency + 1)))
        length = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1)).ravel())
        parts.append(sparse.diags(1 / np.where(length > 0, length, 1)) @ weighted)
    return sparse.csr_matrix(sparse.vstack(parts))
