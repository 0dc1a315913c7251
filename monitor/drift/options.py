"""Checks of the options that the comparisons share."""

from numbers import Integral, Real
from typing import Any

import numpy as np

from monitor.drift.device import resolve_device

#: A seed, or a generator; ``None``: the default seed.
Randomness = np.random.Generator | int | None
DEFAULT_SEED = 0


def make_generator(rng: Any) -> np.random.Generator:
    """Return the generator of a comparison: equal seeds give equal results.

    Raises:
        ValueError: A negative seed.
        TypeError: Neither a seed nor a generator.
    """
    if isinstance(rng, np.random.Generator):
        return rng
    if rng is None:
        return np.random.default_rng(DEFAULT_SEED)
    if isinstance(rng, bool) or not isinstance(rng, Integral):
        raise TypeError(
            f"rng must be a seed or a generator; got {rng!r}; pass 1 or "
            "numpy.random.default_rng(1), for example"
        )
    seed = int(rng)
    if seed < 0:
        raise ValueError(f"rng must not be negative; got {rng}; pass 0 or more")
    return np.random.default_rng(seed)


def check_options(
    alpha: float,
    minimum_drifted_share: float,
    n_permutations: int,
    minimum_samples: int,
    *,
    device: str | None,
) -> None:
    """Check the options of a comparison.

    Raises:
        ValueError: An option is out of range.
        TypeError: An option is not a number.
    """
    _require_number("alpha", alpha)
    _require_number("minimum_drifted_share", minimum_drifted_share)
    _require_number("minimum_samples", minimum_samples)
    _require_number("n_permutations", n_permutations, whole=True)
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha must lie between 0 and 1; got {alpha}")
    if not 0.0 <= minimum_drifted_share <= 1.0:
        raise ValueError(f"minimum_drifted_share must lie in [0, 1]; got {minimum_drifted_share}")
    if n_permutations < 1 or 1.0 / (1 + n_permutations) > alpha:
        raise ValueError(
            f"n_permutations is too small for p <= {alpha}: {n_permutations}; "
            f"use at least {int(np.ceil(1 / alpha)) - 1}"
        )
    if not minimum_samples >= 0:
        raise ValueError(f"minimum_samples must not be negative; got {minimum_samples}")
    resolve_device(device)


def _require_number(name: str, value: object, *, whole: bool = False) -> None:
    if not isinstance(value, Integral if whole else Real):
        raise TypeError(f"{name} must be a {'whole ' if whole else ''}number; got {value!r}")
