"""Embeddings with known topics, in which drift can be planted."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Topic and domain of a sample without a topic: novel in every window.
OUT_OF_SCOPE = -1


class TooFewSamplesError(ValueError):
    """Raised when a data set is too small for the requested windows."""


@dataclass(frozen=True)
class Labelled:
    """Embeddings, each with a topic and a domain (a group of topics)."""

    #: float32 ``[n, d]``, rows of unit norm.
    vectors: NDArray[np.float32]
    #: int64 ``[n]``, from 0; :data:`OUT_OF_SCOPE` for samples without a topic.
    topics: NDArray[np.int64]
    #: int64 ``[n]``, likewise.
    domains: NDArray[np.int64]

    @property
    def in_scope(self) -> NDArray[np.int64]:
        """Return the rows with a topic."""
        return np.flatnonzero(self.topics != OUT_OF_SCOPE)

    @property
    def out_of_scope(self) -> NDArray[np.int64]:
        """Return the rows without a topic."""
        return np.flatnonzero(self.topics == OUT_OF_SCOPE)

    def save(self, folder: Path) -> None:
        """Write the arrays for :func:`open_labelled`."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "vectors.npy", self.vectors)
        np.save(folder / "topics.npy", self.topics)
        np.save(folder / "domains.npy", self.domains)


@lru_cache(maxsize=2)
def open_labelled(folder: Path) -> Labelled:
    """Return a saved data set, whose memory pages the processes of a machine share."""
    return Labelled(
        vectors=np.load(folder / "vectors.npy", mmap_mode="r"),
        topics=np.load(folder / "topics.npy"),
        domains=np.load(folder / "domains.npy"),
    )
