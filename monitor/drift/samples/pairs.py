"""Pairs of samples with one prompt on both sides, and the units whose sides are swapped."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from monitor.drift.samples.group_ids import Groups
from monitor.drift.samples.pool import number_owners
from monitor.drift.samples.units import occurrence


@dataclass(frozen=True)
class Pairs:
    """Samples of one prompt, one of each side: the k-th of the reference with the k-th current."""

    #: int64 ``[P]``: rows of the reference and of the current window.
    reference: NDArray[np.int64]
    current: NDArray[np.int64]
    #: int64 ``[n_reference]`` and ``[n_current]``: the unit of each sample: prompts, with all
    #: prompts of the same user.
    reference_unit: NDArray[np.int64]
    current_unit: NDArray[np.int64]
    #: Prompts with a pair.
    n_prompts: int

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.reference)

    @property
    def n_effective_units(self) -> float:
        """Return the effective number of units with a pair (Kish); 0 without any."""
        counts = np.unique(self.reference_unit[self.reference], return_counts=True)[1]
        return float(counts.sum() ** 2 / (counts**2).sum()) if len(counts) else 0.0


def match_pairs(
    reference_prompts: ArrayLike,
    current_prompts: ArrayLike,
    reference_groups: Groups = None,
    current_groups: Groups = None,
) -> Pairs:
    """Match the samples of each prompt, in their order; a surplus of one side has no partner.

    Args:
        reference_prompts: int ``[n_reference]``: equal numbers stand for one prompt.
        current_prompts: int ``[n_current]``.
        reference_groups: ``[n_reference]`` ids of users or sessions; see :func:`compare`.
        current_groups: ``[n_current]``.

    Returns:
        The pairs, ``[P]`` rows of each side in the order of the reference, and the unit of every
        sample, with or without a partner.

    Raises:
        ValueError: As :func:`compare` for groups.

    References:
        Units by connected components: Hopcroft & Tarjan, Commun. ACM 1973.
    """
    sides = np.asarray(reference_prompts), np.asarray(current_prompts)
    n_reference = len(sides[0])
    prompt = np.unique(np.concatenate(sides), return_inverse=True)[1].ravel()
    keys = [
        part.astype(np.int64) * (len(prompt) + 1) + occurrence(part).astype(np.int64)
        for part in (prompt[:n_reference], prompt[n_reference:])
    ]
    _, reference, current = np.intersect1d(keys[0], keys[1], return_indices=True)
    order = np.argsort(reference)
    seen: dict[object, int] = {}
    owner = np.concatenate(
        [
            number_owners(reference_groups, n_reference, seen, 0, "reference_groups"),
            number_owners(current_groups, len(sides[1]), seen, n_reference, "current_groups"),
        ]
    )
    unit = _components(prompt.astype(np.int64), owner)
    return Pairs(
        reference[order].astype(np.int64),
        current[order].astype(np.int64),
        unit[:n_reference],
        unit[n_reference:],
        len(np.unique(sides[0][reference])),
    )


def _components(prompt: NDArray[np.int64], owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the unit of each sample: samples of one prompt, or of one user, share it."""
    owner = np.unique(owner, return_inverse=True)[1].ravel()
    n_prompts = int(prompt.max(initial=-1)) + 1
    n_nodes = n_prompts + int(owner.max(initial=-1)) + 1
    edges = sparse.csr_array(
        (np.ones(len(prompt)), (prompt, n_prompts + owner)), shape=(n_nodes, n_nodes)
    )
    return np.asarray(connected_components(edges, directed=False)[1][prompt], dtype=np.int64)
