"""Texts to vectors, encoded once for each (texts, encoder)."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.bench.workers import progress_bars
from monitor.embedding.encoder import load_encoder
from monitor.settings import Embedding

TEXTS_AT_ONCE = 512


def encode_cached(texts: Sequence[str], settings: Embedding) -> NDArray[np.float32]:
    """Encode texts as the daemon does, or read what an earlier run has encoded.

    The cache lies in the system's temporary folder, under a digest of the texts and the encoder.

    Returns:
        float32 ``[n, d]``, unit norm to float16's precision.

    Raises:
        ModelError: The encoder can't be loaded.
    """
    encoder = load_encoder(settings)
    digest = hashlib.sha256(encoder.identity.encode())
    for text in texts:
        digest.update(b"\x00" + text.encode("utf-8", "replace"))
    folder = Path(tempfile.gettempdir())
    cache = folder / f"driftwarden-bench-vectors-{digest.hexdigest()[:24]}.npy"
    if cache.is_file():
        cached: NDArray[np.float16] = np.load(cache)
        return cached.astype(np.float32)
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
    return vectors.astype(np.float32)
