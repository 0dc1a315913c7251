"""Embedding of short queries twice with a cache of vectors, each time in a process of its own."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from monitor.settings import Embedding
from monitor.windows.reading.files import CHUNK

N_TEXTS = 4_000


@dataclass(frozen=True)
class EmbeddingCost:
    """Seconds until an encoder is open, and until it has encoded all texts."""

    open_seconds: float
    encode_seconds: float
    #: Of the vectors.
    digest: str


def embed_queries(
    ready: Callable[[], None], data: Path, cache: Path, *, seed: int
) -> EmbeddingCost:
    """Embed queries of CLINC150, as a comparison of files does.

    Args:
        ready: Called after the preparations.
        data: The folder of data sets.
        cache: The folder of the cache.
        seed: Of the draw.
    """
    # What both runs import counts in neither.
    import torch  # noqa: F401, PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: F401, PLC0415

    from monitor.embedding.cached_encoder import open_encoder  # noqa: PLC0415

    splits = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    queries = sorted({text for name in ("train", "val", "test") for text, _ in splits[name]})
    drawn = np.random.default_rng(seed).permutation(len(queries))[:N_TEXTS]
    texts = sorted((queries[row] for row in drawn), key=lambda text: (-len(text), text))
    ready()
    begin = time.perf_counter()
    encoder = open_encoder(Embedding(device="cpu", cache=str(cache)))
    opened = time.perf_counter()
    parts = [encoder.encode(texts[at : at + CHUNK]) for at in range(0, len(texts), CHUNK)]
    ended = time.perf_counter()
    digest = sha256(np.concatenate(parts).tobytes()).hexdigest()
    return EmbeddingCost(opened - begin, ended - opened, digest)
