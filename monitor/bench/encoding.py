"""Embeddings of texts, with a cache for each set of texts and encoder."""

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
    """Embeddings of texts."""

    #: float32 ``[n, d]``, unit norm to float16's precision.
    vectors: NDArray[np.float32]
    #: Digest of the texts and the encoder, not of the vectors: their last bits differ by machine
    #: and number of threads.
    digest: str


def encode_cached(texts: Sequence[str], settings: Embedding) -> Encoded:
    """Return the embeddings of texts, as by the daemon, or those of an earlier run.

    The cache is in the system's temporary folder, under a digest of the texts and the encoder.

    Raises:
        ModelError: The encoder can't be loaded.
    """
    encoder = load_encoder(settings)
    hasher = hashlib.sha256(encoder.identity.encode())
    for text in texts:
        hasher.update(b"\x00" + text.encode("utf-8", "replace"))
    digest = hasher.hexdigest()[:24]
    cache = Path(tempfile.gettempdir()) / f"driftwarden-bench-vectors-{digest}.npy"
    if cache.is_file():
        cached: NDArray[np.float16] = np.load(cache)
        return Encoded(cached.astype(np.float32), digest)
    parts = []
    with progress_bars() as bars:
        bar = bars.add_task("Embedding the texts, once", total=len(texts))
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            chunk = texts[start : start + TEXTS_AT_ONCE]
            parts.append(encoder.encode(chunk))
            bars.advance(bar, len(chunk))
    vectors = np.concatenate(parts)
    # Renamed when it is complete, so that an interrupted run leaves no partial cache.
    unfinished = cache.with_suffix(f".{os.getpid()}.npy")
    np.save(unfinished, vectors)
    unfinished.replace(cache)
    return Encoded(vectors.astype(np.float32), digest)
