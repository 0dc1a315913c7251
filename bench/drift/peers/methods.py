"""driftwarden and its peers under one signature: two windows in, an alarm out."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.drift.peers.domain_classifier import domain_classifier
from bench.drift.peers.evidently import VARIANTS, evidently_method
from bench.drift.peers.permutation_mmd import permutation_mmd
from monitor.drift import compare

#: The level of every method that has one.
ALPHA = 0.05

OURS = "driftwarden"
PERMUTATION_MMD = "permutation MMD"
NAMES = (OURS, *VARIANTS, PERMUTATION_MMD, "domain classifier")

#: (reference, current, rng) to whether it alarms.
Method = Callable[[NDArray[np.float32], NDArray[np.float32], np.random.Generator], bool]


def load_method(name: str) -> Method:
    """Return a method, with what it needs imported."""
    if name == OURS:
        return _driftwarden
    if name in VARIANTS:
        evidently = evidently_method(name)
        return lambda reference, current, _: evidently(reference, current)
    tests: dict[str, Callable[..., float]] = {
        PERMUTATION_MMD: permutation_mmd,
        "domain classifier": domain_classifier,
    }
    test = tests[name]
    return lambda reference, current, rng: test(reference, current, rng) <= ALPHA


def _driftwarden(
    reference: NDArray[np.float32], current: NDArray[np.float32], rng: np.random.Generator
) -> bool:
    return compare(reference, current, alpha=ALPHA, rng=rng).p_value <= ALPHA
