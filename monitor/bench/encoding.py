"""Texts to vectors, encoded once for each (texts, encoder)."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.bench.workers import progress_bars
from monitor.embedding.encoder import load_encoder
from monitor.settings import Embedding

TEXTS_AT_ONCE = 512


@dataclass(frozen=True)
class Encoded:
    """Texts as vectors."""

    #: float32 ``[n, d]``, unit norm to float16's precision.
    vectors: NDArray[np.float32]
    #: Of the texts and the encoder. The last bits of the vectors are no part of it: they differ
    #: from one machine, and one number of threads, to the next.
    digest: str


def encode_cached(texts: Sequence[str], settings: Embedding) -> Encoded:
    """Encode texts as the daemon does, or read what an earlier run has encoded.

    The cache lies in the system's temporary folder, under a digest of the texts and the encoder.

    Raises:
        ModelError: The encoder can't be loaded.
    """
    encoder = load_encoder(settings)
    whole = hashlib.sha256(encoder.identity.encode())
    for text in texts:
        whole.update(b"\x00" + text.encode("utf-8", "replace"))
    digest = whole.hexdigest()[:24]
    cache = Path(tempfile.gettempdir()) / f"driftwarden-bench-vectors-{digest}.npy"
    if cache.is_file():
        cached: NDArray[np.float16] = np.load(cache)
        return Encoded(cached.astype(np.float32), digest)
    parts = []
    with progress_bars() as bars:
        bar = bars.add_task("Encoding, once", total=len(texts))
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            some = texts[start : start + TEXTS_AT_ONCE]
            parts.append(encoder.encode(some))
            bars.advance(bar, len(some))
    vectors = np.concatenate(parts)
    # Renamed when it is whole, so that a run that is stopped leaves no half of a cache.
    unfinished = cache.with_suffix(f".{os.getpid()}.npy")
    np.save(unfinished, vectors)
    unfinished.replace(cache)
    return Encoded(vectors.astype(np.float32), digest)
