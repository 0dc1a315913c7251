"""Sentence encoder for metrics, loaded on first use."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.errors import ModelError
from monitor.settings.model_location import locate_model


class LocalSentenceEncoder:
    """An encoder of sentence-transformers, from a folder or ``package:NAME``."""

    def __init__(self, model: str) -> None:
        self._name = model
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> NDArray[Any]:
        """Return unit-norm embeddings, ``[n, d]``, float32; ``ModelError`` without the encoder."""
        if self._model is None:
            self._model = _load(self._name)
        vectors: NDArray[Any] = self._model.encode(
            list(texts), normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        return np.asarray(vectors, dtype=np.float32)


def _load(name: str) -> Any:
    location = locate_model(name)
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - heavy
    from transformers.utils import logging  # noqa: PLC0415

    logging.disable_progress_bar()
    try:
        return SentenceTransformer(location, local_files_only=Path(location).is_dir())
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"{name}: the sentence encoder can't be loaded: {error}") from error
