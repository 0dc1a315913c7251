"""One encoder for all threads of a process: loaded when first needed, used by one at a time."""

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from monitor.embedding.encoder import Encoder, load_encoder
from monitor.settings import Embedding


class SharedEncoder:
    """Lends the configured encoder to ingest and to evaluations alike.

    Threads take turns in the order in which they asked: who encodes many texts in small calls
    keeps nobody waiting for longer than one of them.
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
            ModelError: It is missing or can't be loaded.
        """
        with self._loading:
            if self._encoder is None:
                self._encoder = load_encoder(self._settings)
        return EncoderHandle(self._encoder, self._next, self._busy)


class EncoderHandle:
    """An encoder that others use too."""

    def __init__(self, encoder: Encoder, next_: threading.Lock, busy: threading.Lock) -> None:
        self.identity = encoder.identity
        self.dimension = encoder.dimension
        self._encoder = encoder
        self._next = next_
        self._busy = busy

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return unit-norm vectors ``[n, d]``, float16; waits for its turn."""
        with self._next:  # held while waiting, so that who has just finished comes after
            self._busy.acquire()
        try:
            return self._encoder.encode(texts)
        finally:
            self._busy.release()
