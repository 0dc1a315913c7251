"""Sentence encoder: texts to unit-norm float16 vectors, with the identity of the model."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from monitor.errors import ModelError
from monitor.extras import using_extras
from monitor.model_hub import hub_problem, reads_locally
from monitor.settings import Embedding
from monitor.settings.model_location import PACKAGE_PREFIX, locate_model

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: Characters for each token of the model's window: far more than any tokenizer needs, so that the
#: rest of a very long text isn't tokenized in vain.
CHARACTERS_PER_TOKEN = 64
HUB_ADVICE = (
    "set embedding.model to a folder with the model, or to 'package:NAME' of an installed package"
)
WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.onnx")


class Encoder:
    """A sentence encoder; other texts of a batch change a vector by rounding at most.

    Its ``identity`` is ``<name>@<revision>/max<tokens>``: vectors of different identities aren't
    comparable. ``dimension`` is the length of a vector.
    """

    def __init__(
        self, model: "SentenceTransformer", *, name: str, revision: str, batch_size: int
    ) -> None:
        self._model = model
        self._batch_size = batch_size
        self._max_tokens = int(model.max_seq_length or 0)
        self.dimension = int(model.get_embedding_dimension())
        self.identity = f"{name}@{revision}/max{self._max_tokens or 'unlimited'}"

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
        vectors = self._model.encode(
            list(row_of_text),
            batch_size=self._batch_size,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
        return _unit_norm(np.asarray(vectors))[rows]

    def _prepare(self, text: str) -> str:
        if self._max_tokens:
            text = text[: self._max_tokens * CHARACTERS_PER_TOKEN]
        # The tokenizer rejects lone surrogates.
        return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def load_encoder(settings: Embedding) -> Encoder:
    """Return the configured encoder.

    A folder or a package is read from disk; only a hub id may use the network, and is read from the
    hub's cache where the hub does not respond.

    Raises:
        ModelError: The model is missing or isn't a sentence encoder, or the device isn't available.
        MissingExtraError: torch, transformers or sentence-transformers is missing or broken.
    """
    location = locate_model(settings.model, "embedding.model")
    folder = Path(location) if Path(location).is_dir() else None
    revision = _revision(settings, folder)
    with using_extras("the encoder", "torch"):
        import torch  # noqa: PLC0415 - slow to import
        import transformers  # noqa: PLC0415 - slow to import
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - slow to import

    transformers.utils.logging.disable_progress_bar()

    device = _device(settings.device, cuda=torch.cuda.is_available())
    local = reads_locally(location)
    try:
        model = SentenceTransformer(
            location,
            device=device,
            revision=None if folder else settings.revision or None,
            local_files_only=local,
            # transformers asks the hub for an adapter, whatever is said of the model.
            model_kwargs={"adapter_kwargs": {"local_files_only": local}},
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        reason = _first_line(error)
        if folder is None:
            place = f"it is no folder here, no such model is in the cache, and {hub_problem()}"
            reason = f"{place if hub_problem() else reason}; {HUB_ADVICE}"
        raise ModelError(
            f"the encoder can't be loaded: embedding.model = {settings.model!r} on {device!r}: "
            f"{reason}",
            code="" if folder else "no_hub_model",
        ) from error
    if device.startswith("cuda"):
        model.half()
    return Encoder(
        model,
        name=encoder_name(settings),
        revision=revision,
        batch_size=settings.batch_size,
    )


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
    return settings.revision or (_digest(folder) if folder else "main")


def _device(name: str, *, cuda: bool) -> str:
    if name == "auto":
        return "cuda" if cuda else "cpu"
    if name.startswith("cuda") and not cuda:
        raise ModelError(
            f"no CUDA device is available: embedding.device = {name!r}; use 'auto' or 'cpu'"
        )
    return name


def _digest(folder: Path) -> str:
    """Return a short digest of the weights, as the revision of a model without one."""
    weights = sorted(path for pattern in WEIGHTS for path in folder.rglob(pattern))
    if not weights:
        raise ModelError(f"no model weights ({', '.join(WEIGHTS)}) in folder: {folder}")
    digest = hashlib.sha256()
    for path in weights:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]


def _unit_norm(vectors: NDArray[np.floating]) -> NDArray[np.float16]:
    exact = vectors.astype(np.float32)
    norms = np.linalg.norm(exact, axis=1, keepdims=True)
    unit: NDArray[np.float16] = (exact / np.maximum(norms, 1e-12)).astype(np.float16)
    return unit


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n", maxsplit=1)[0]
