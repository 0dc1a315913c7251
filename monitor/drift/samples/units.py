"""Keys of the exchangeable units: users or sessions, or single samples where none is given.

A key is a 64-bit hash, so that parts of a window that are sketched on different days, or by
different processes, put a user into the same bin without talking to each other.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from monitor.drift.samples.embeddings import Rows
from monitor.drift.samples.group_ids import Groups, read_ids

#: Bins of users, by the key's highest bits: the atoms of the permutation test.
N_SMALL_BINS = 1024
#: Rows that are hashed at once: their coordinates take 8 bytes each meanwhile.
HASHED_ROWS = 1024
_SHIFT = np.uint64(64 - 10)
_ODD = np.uint64(0x9E3779B97F4A7C15)


def small_bin(keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the small bin of each unit, int64 ``[n]``. Odd ones are the users' second half."""
    return (keys >> _SHIFT).astype(np.int64)


def mix(values: NDArray[np.uint64], salt: int = 0) -> NDArray[np.uint64]:
    """Scramble 64-bit integers one to one (the finaliser of SplitMix64; Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = values + np.uint64(salt % 2**64) + _ODD
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def content_digests(vectors: Rows, salt: int = 0) -> NDArray[np.uint64]:
    """Return a hash of what each row holds, uint64 ``[n]``: equal rows have equal ones.

    Args:
        vectors: float32 ``[n, d]``.
        salt: Another salt gives other digests to the same rows.
    """
    with np.errstate(over="ignore"):
        factors = mix(np.arange(vectors.shape[1], dtype=np.uint64)) | np.uint64(1)
        digests = np.empty(len(vectors), dtype=np.uint64)
        for start in range(0, len(vectors), HASHED_ROWS):
            rows = slice(start, start + HASHED_ROWS)
            words = np.ascontiguousarray(vectors[rows]).view(np.uint32).astype(np.uint64)
            words *= factors
            digests[rows] = words.sum(axis=1, dtype=np.uint64)
    return mix(digests, salt)


def content_keys(vectors: Rows, salt: int = 0) -> NDArray[np.uint64]:
    """Return a key for each row, from what it holds and how many equal rows stand before it.

    Args:
        vectors: float32 ``[n, d]``.
        salt: Another salt gives other keys to the same rows.
    """
    digests = content_digests(vectors, salt)
    with np.errstate(over="ignore"):
        return mix(digests + occurrence(digests), salt)


def occurrence(values: NDArray[Any]) -> NDArray[np.uint64]:
    """Return for each value how many equal ones stand before it."""
    order = np.argsort(values, kind="stable")
    new = (
        np.r_[True, values[order][1:] != values[order][:-1]] if len(values) else order.astype(bool)
    )
    start = np.flatnonzero(new)
    counted = np.arange(len(values)) - np.repeat(start, np.diff(np.r_[start, len(values)]))
    result = np.empty(len(values), dtype=np.uint64)
    result[order] = counted
    return result


def unit_keys(groups: Groups, vectors: Rows, name: str, *, salt: int) -> NDArray[np.uint64]:
    """Return the key of each sample's unit, uint64 ``[n]``.

    Args:
        groups: An id for each sample; ``None``, or an id that is ``None``, NaN or the empty
            string, makes the sample a unit of its own.
        vectors: float32 ``[n, d]``.
        name: What to call the groups in an error.
        salt: For the samples without an id: take another one for each part of a window.

    Raises:
        ValueError: Not one id for each sample.
        TypeError: Something that can't be an id.
    """
    alone = content_keys(vectors, salt)
    if groups is None:
        return alone
    known: dict[Any, int] = {}
    keys = alone.copy()
    for row, one in enumerate(read_ids(groups, len(vectors), name)):
        if one is not None:
            if one not in known:
                known[one] = xxh3_64_intdigest(repr(one).encode("utf-8", "surrogatepass"))
            keys[row] = known[one]
    return keys
