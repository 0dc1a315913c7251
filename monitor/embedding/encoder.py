"""Sentence encoder: texts to unit-norm float16 vectors, with the identity of the model."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.embedding.backend import choose_backend, load_model
from monitor.embedding.onnx_model import OnnxModel
from monitor.embedding.torch_model import TorchModel
from monitor.embedding.universal_model import UniversalModel
from monitor.embedding.weights import weights_digest
from monitor.errors import ModelError
from monitor.settings import Embedding
from monitor.settings.model_location import PACKAGE_PREFIX, locate_model

#: Characters for each token of the model's window: far more than any tokenizer needs, so that the
#: rest of a very long text isn't tokenized in vain.
CHARACTERS_PER_TOKEN = 64


class Encoder:
    """A sentence encoder; its backend changes a vector by rounding at most.

    Its ``identity`` is ``<name>@<revision>/max<tokens>``: vectors of different identities aren't
    comparable. ``dimension`` is the length of a vector, ``backend`` ``"onnx"``, ``"torch"``
    or ``"numpy"``.
    """

    def __init__(
        self, model: OnnxModel | TorchModel | UniversalModel, *, name: str, revision: str
    ) -> None:
        self._model = model
        self.backend = model.backend
        self.onnx_failure = model.onnx_failure
        self.dimension = model.dimension
        self.identity = f"{name}@{revision}/max{model.max_tokens or 'unlimited'}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float16]:
        """Return the vectors of texts, ``[n, d]``, float16, unit norm; repeats are encoded once."""
        row_of_text: dict[str, int] = {}
        rows = np.fromiter(
            (row_of_text.setdefault(self._prepare(text), len(row_of_text)) for text in texts),
            dtype=np.int64,
            count=len(texts),
        )
        if not row_of_text:
            return np.empty((0, self.dimension), dtype=np.float16)
        return _unit_norm(self._model.encode(list(row_of_text)))[rows]

    def _prepare(self, text: str) -> str:
        if self._model.max_tokens:
            text = text[: self._model.max_tokens * CHARACTERS_PER_TOKEN]
        # The tokenizer rejects lone surrogates.
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def load_encoder(settings: Embedding) -> Encoder:
    """Return the configured encoder.

    A folder or a package is read from disk; only a hub id may use the network, and is read from the
    hub's cache where the hub does not respond.

    Raises:
        ModelError: The model is missing or isn't a sentence encoder, or the device isn't available.
        MissingExtraError: A package that runs the model is missing or broken.
    """
    location = Path(locate_model(settings.model, "embedding.model"))
    revision = _revision(settings, location if location.is_dir() else None)
    return Encoder(load_model(settings), name=encoder_name(settings), revision=revision)


def backend_of(encoder: object) -> str:
    """Return the backend of an encoder, ``"onnx"`` or ``"torch"``; empty for a caller's own."""
    return str(getattr(encoder, "backend", ""))


def configured_backend(settings: Embedding) -> str:
    """Return the backend that this machine takes; empty where the encoder can't be loaded here."""
    try:
        return choose_backend(settings).backend
    except ModelError:
        return ""


def encoder_name(settings: Embedding) -> str:
    """Return the name in the identity of the configured encoder.

    Raises:
        ModelError: Its folder or package is missing.
    """
    location = locate_model(settings.model, "embedding.model")
    if settings.model.startswith(PACKAGE_PREFIX) or not Path(location).is_dir():
        return settings.model
    return Path(location).resolve().name  # a moved model keeps its identity


def is_configured(settings: Embedding, identity: str) -> bool:
    """Return whether vectors are of the configured encoder, which is not loaded for that.

    Raises:
        ModelError: Its folder or package is missing.
    """
    location = Path(locate_model(settings.model, "embedding.model"))
    revision = _revision(settings, location if location.is_dir() else None)
    return identity.startswith(f"{encoder_name(settings)}@{revision}/max")


def _revision(settings: Embedding, folder: Path | None) -> str:
    return settings.revision or (weights_digest(folder) if folder else "main")


def _unit_norm(vectors: NDArray[np.floating]) -> NDArray[np.float16]:
    exact = vectors.astype(np.float32)
    norms = np.linalg.norm(exact, axis=1, keepdims=True)
    unit: NDArray[np.float16] = (exact / np.maximum(norms, 1e-12)).astype(np.float16)
    return unit
