"""Encoder shared by the threads of a process: loaded on first use, one thread at a time."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.embedding.encoder import Encoder, load_encoder
from monitor.settings import Embedding


class SharedEncoder:
    """The configured encoder, shared by ingest and drift evaluations.

    Threads take turns in the order of their calls: a thread that encodes many texts in small calls
    delays the others by one call at most.
    """

    def __init__(self, settings: Embedding) -> None:
        self._settings = settings
        self._encoder: Encoder | None = None
        self._loading = threading.Lock()
        self._next = threading.Lock()
        self._busy = threading.Lock()

    def load(self) -> "EncoderHandle":
        """Return the encoder; the first call loads it.

        Raises:
            ModelError: The model is missing or can't be loaded.
        """
        with self._loading:
            if self._encoder is None:
                self._encoder = load_encoder(self._settings)
        return EncoderHandle(self._encoder, self._next, self._busy)


class EncoderHandle:
    """A handle of the shared encoder."""

    def __init__(self, encoder: Encoder, next_: threading.Lock, busy: threading.Lock) -> None:
        self.identity = encoder.identity
        self.dimension = encoder.dimension
        self._encoder = encoder
        self._next = next_
        self._busy = busy

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return unit-norm vectors, float16 ``[n, d]``, after waiting for the other threads."""
        with self._next:  # held while waiting, so that the thread that has just finished queues up
            self._busy.acquire()
        try:
            return self._encoder.encode(texts)
        finally:
            self._busy.release()
