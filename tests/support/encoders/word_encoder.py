"""Encoder without a model: texts with common words are near."""

import zlib
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from monitor.daemon import training_data

DIMENSIONS = 256


class WordEncoder:
    """An encoder of word counts as unit vectors; the order of words has no effect."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.casefold().split():
                vectors[row, zlib.crc32(word.encode()) % DIMENSIONS] += 1
        # A text without words has a vector too, as of a real encoder.
        vectors[~vectors.any(axis=1), 0] = 1.0
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, 1e-9)


@pytest.fixture
def word_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let training sets find near duplicates without a model."""
    monkeypatch.setattr(training_data, "LocalSentenceEncoder", lambda _model: WordEncoder())
