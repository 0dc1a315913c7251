"""Embedding of prompts and responses."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from monitor.store.traffic.exchange_columns import Exchanges
from monitor.telemetry import EMBEDDING_DURATION


class TextEncoder(Protocol):
    """An encoder of texts."""

    identity: str
    dimension: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return unit-norm vectors ``[n, d]``."""


def embed(exchanges: Exchanges, encoder: TextEncoder) -> Exchanges:
    """Return exchanges with their vectors, made in one call: the encoder sorts texts by length."""
    n = len(exchanges)
    if not n:
        return replace(exchanges, encoder=encoder.identity)
    with EMBEDDING_DURATION.time():
        vectors = encoder.encode([*exchanges.prompts, *exchanges.responses])
    return replace(
        exchanges,
        prompt_vectors=vectors[:n],
        response_vectors=vectors[n:],
        encoder=encoder.identity,
    )
