"""Encoder model run by torch and sentence-transformers."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from monitor.errors import ModelError
from monitor.extras import using_extras
from monitor.model_hub import hub_problem, reads_locally
from monitor.settings import Embedding
from monitor.settings.model_location import locate_model

HUB_ADVICE = (
    "set embedding.model to a folder with the model, or to 'package:NAME' of an installed package"
)


class TorchModel:
    """A model of sentence-transformers; other texts of a batch change a vector by rounding."""

    backend = "torch"
    #: Why onnxruntime, which was chosen, doesn't run the model; empty: it wasn't, or runs it.
    onnx_failure = ""

    def __init__(self, settings: Embedding, device: str) -> None:
        """Load the configured model.

        Raises:
            ModelError: It is missing or no sentence encoder.
            MissingExtraError: torch, transformers or sentence-transformers is missing or broken.
        """
        location = locate_model(settings.model, "embedding.model")
        folder = Path(location).is_dir()
        with using_extras("the encoder", "torch"):
            import torch  # noqa: F401, PLC0415 - slow to import
            import transformers  # noqa: PLC0415 - slow to import
            from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - slow to import

        transformers.utils.logging.disable_progress_bar()
        local = reads_locally(location)
        try:
            self._model = SentenceTransformer(
                location,
                device=device,
                revision=None if folder else settings.revision or None,
                local_files_only=local,
                # transformers asks the hub for an adapter, whatever is said of the model.
                model_kwargs={"adapter_kwargs": {"local_files_only": local}},
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            reason = (str(error).strip() or type(error).__name__).split("\n", maxsplit=1)[0]
            if not folder:
                place = f"it is no folder here, no such model is in the cache, and {hub_problem()}"
                reason = f"{place if hub_problem() else reason}; {HUB_ADVICE}"
            raise ModelError(
                f"the encoder can't be loaded: embedding.model = {settings.model!r} on "
                f"{device!r}: {reason}",
                code="" if folder else "no_hub_model",
            ) from error
        if device.startswith("cuda"):
            self._model.half()
        self._batch_size = settings.batch_size
        self.dimension = int(self._model.get_embedding_dimension())
        self.max_tokens = int(self._model.max_seq_length or 0)

    def encode(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vectors of texts, ``[n, d]``."""
        return np.asarray(
            self._model.encode(
                texts,
                batch_size=self._batch_size,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        )
