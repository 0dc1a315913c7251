"""Keys of the exchangeable units: users, sessions, or single samples without an id.

A key is a 64-bit hash, so that sketches made on different days or by different processes put a user
into the same bin without coordination.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from monitor.drift.samples.embeddings import Rows
from monitor.drift.samples.group_ids import Groups, read_ids

#: Bins of users, by the key's highest bits: the atoms of the permutation test.
N_SMALL_BINS = 1024
#: Rows that are hashed at once, at 8 bytes per coordinate.
HASHED_ROWS = 1024
_SHIFT = np.uint64(64 - 10)
_ODD = np.uint64(0x9E3779B97F4A7C15)


def small_bin(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the small bin of each unit, int64 ``[n]``; odd bins hold the second half of users."""
    return (keys >> _SHIFT).astype(np.int64)


def scramble(values: NDArray[np.uint64], salt: int = 0) -> NDArray[np.uint64]:
    """Scramble 64-bit integers one to one (the finaliser of SplitMix64; Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = values + np.uint64(salt % 2**64) + _ODD
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def content_digests(vectors: Rows, salt: int = 0) -> NDArray[np.uint64]:
    """Return a content hash of each row, uint64 ``[n]``; equal rows have equal hashes.

    Vectors are float32 ``[n, d]``. Another salt changes the digests of all rows.
    """
    with np.errstate(over="ignore"):
        factors = scramble(np.arange(vectors.shape[1], dtype=np.uint64)) | np.uint64(1)
        digests = np.empty(len(vectors), dtype=np.uint64)
        for start in range(0, len(vectors), HASHED_ROWS):
            rows = slice(start, start + HASHED_ROWS)
            words = np.ascontiguousarray(vectors[rows]).view(np.uint32).astype(np.uint64)
            words *= factors
            digests[rows] = words.sum(axis=1, dtype=np.uint64)
    return scramble(digests, salt)


def content_keys(vectors: Rows, salt: int = 0) -> NDArray[np.uint64]:
    """Return a key of each row, from its content and the number of equal rows before it.

    Vectors are float32 ``[n, d]``. Another salt changes the keys of all rows.
    """
    digests = content_digests(vectors, salt)
    with np.errstate(over="ignore"):
        return scramble(digests + occurrence(digests), salt)


def occurrence(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Return for each value the number of equal values before it."""
    order = np.argsort(values, kind="stable")
    new = (
        np.r_[True, values[order][1:] != values[order][:-1]] if len(values) else order.astype(bool)
    )
    start = np.flatnonzero(new)
    occurrences = np.arange(len(values)) - np.repeat(start, np.diff(np.r_[start, len(values)]))
    result = np.empty(len(values), dtype=np.uint64)
    result[order] = occurrences
    return result


def unit_keys(groups: Groups, vectors: Rows, name: str, *, salt: int) -> NDArray[np.uint64]:
    """Return the key of each sample's unit, uint64 ``[n]``.

    Args:
        groups: An id for each sample; ``None``, or an id that is ``None``, NaN or the empty
            string, makes the sample a unit of its own.
        vectors: float32 ``[n, d]``.
        name: Name of the groups in error messages.
        salt: For samples without an id; use another one for each part of a window.

    Raises:
        ValueError: Not one id for each sample.
        TypeError: An id that isn't a text or number.
    """
    keys = content_keys(vectors, salt)
    if groups is None:
        return keys
    known: dict[Any, int] = {}
    for row, unit in enumerate(read_ids(groups, len(vectors), name)):
        if unit is not None:
            if unit not in known:
                known[unit] = xxh3_64_intdigest(repr(unit).encode("utf-8", "surrogatepass"))
            keys[row] = known[unit]
    return keys


def mean_of_units(
    values: NDArray[np.float64], weights: NDArray[np.float64], unit: NDArray[np.int64]
) -> tuple[float, float]:
    """Return a weighted mean and its variance between units (Korn & Graubard 1999, section 2.4)."""
    total = float(weights.sum())
    mean = float((weights * values).sum()) / total
    number = np.unique(unit, return_inverse=True)[1].ravel()
    residual = np.bincount(number, weights=weights * (values - mean))
    n_units = len(residual)
    variance = float((residual**2).sum()) / total**2 * n_units / max(n_units - 1, 1)
    return mean, variance
