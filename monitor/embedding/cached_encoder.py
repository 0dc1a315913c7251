"""Encoder with a cache of vectors; the model is loaded for the first text without one."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.embedding.backend import choose_backend
from monitor.embedding.encoder import Encoder, backend_of, load_encoder
from monitor.embedding.fingerprint import NoFingerprintError, fingerprint_encoder
from monitor.embedding.vector_cache import FILE, KnownEncoder, VectorCache, say_once
from monitor.errors import ModelError
from monitor.settings import Embedding


class CachedEncoder:
    """A sentence encoder that encodes only texts without a vector in the cache."""

    def __init__(
        self, known: KnownEncoder, cache: VectorCache, load: Callable[[], Encoder], chosen: str
    ) -> None:
        self.identity = known.identity
        self.dimension = known.dimension
        self._known = known
        self._cache = cache
        self._load = load
        self._chosen = chosen

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return the vectors of texts, ``[n, d]``, as :meth:`Encoder.encode` does."""
        distinct = list(dict.fromkeys(texts))
        vectors = self._cache.read(self._known, distinct)
        new = [text for text in distinct if text not in vectors]
        if new:
            encoded = self._encoder.encode(new)
            self._cache.write(self._known, new, encoded)
            vectors.update(zip(new, encoded, strict=True))
        result = np.empty((len(texts), self.dimension), dtype=np.float16)
        for row, text in enumerate(texts):
            result[row] = vectors[text]
        return result

    @property
    def backend(self) -> str:
        """The backend of the model; before it is loaded, that which is chosen for it."""
        loaded = self.__dict__.get("_encoder")
        return self._chosen if loaded is None else backend_of(loaded)

    @cached_property
    def _encoder(self) -> Encoder:
        encoder = self._load()
        if encoder.identity != self.identity:
            raise ModelError(
                f"the cache of vectors names another encoder: {self.identity}, loaded "
                f"{encoder.identity}; delete {self._cache.file}",
                code="cache_of_another_encoder",
            )
        return encoder


def open_encoder(settings: Embedding) -> Encoder | CachedEncoder:
    """Return the configured encoder, with the configured cache.

    Raises:
        InputError: The cache is no folder.
        ModelError: The model is missing or isn't a sentence encoder, or the device isn't available.
    """
    if not settings.cache:
        return load_encoder(settings)
    try:
        fingerprint = fingerprint_encoder(settings)
    except NoFingerprintError as error:
        say_once("vector_cache_not_used", model=settings.model, reason=str(error))
        return load_encoder(settings)
    cache = open_cache(settings)
    known = cache.known_encoder(fingerprint)
    chosen = choose_backend(settings).backend
    if known is not None:
        return CachedEncoder(known, cache, lambda: load_encoder(settings), chosen)
    encoder = load_encoder(settings)
    known = cache.add_encoder(fingerprint, encoder.identity, encoder.dimension)
    return encoder if known is None else CachedEncoder(known, cache, lambda: encoder, chosen)


def open_cache(settings: Embedding) -> VectorCache:
    """Open the configured cache; ``InputError`` where it is no folder."""
    return VectorCache(
        Path(settings.cache), max_bytes=settings.max_cache_bytes, max_age=settings.max_cache_age
    )


def existing_cache(settings: Embedding) -> VectorCache | None:
    """Open the configured cache; ``None``: none is configured, or it has no vectors yet."""
    has_file = settings.cache and (Path(settings.cache).expanduser() / FILE).exists()
    return open_cache(settings) if has_file else None
