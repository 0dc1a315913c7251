"""Backend of the encoder: onnxruntime on a CPU where it can run the model, else torch."""

from importlib.util import find_spec
from pathlib import Path

import structlog

from monitor.embedding.device import find_device
from monitor.embedding.onnx_model import OnnxModel, UnsuitableError, find_graph
from monitor.embedding.torch_model import TorchModel
from monitor.embedding.universal_model import SETTING, UniversalModel
from monitor.errors import ModelError
from monitor.extras import missing_extra
from monitor.settings import Embedding
from monitor.settings.model_location import locate_model

log = structlog.get_logger()


def choose_backend(settings: Embedding) -> tuple[str, str]:
    """Return the backend, ``"onnx"`` or ``"torch"``, and why it isn't ONNX; nothing is loaded.

    It is ``"numpy"`` for the packaged multilingual encoder, whatever the settings.

    Raises:
        ModelError: The model is missing, the device isn't available, or the setting asks for ONNX
            and it isn't possible.
    """
    folder = Path(locate_model(settings.model, "embedding.model"))
    if settings.model == SETTING:
        return UniversalModel.backend, ""
    device = find_device(settings.device)
    if settings.backend == "torch":
        return "torch", ""
    reason = ""
    if device != "cpu":
        reason = f"the device is {device!r}"
    elif not folder.is_dir():
        reason = "embedding.model is no folder here"
    else:
        try:
            find_graph(folder)
        except UnsuitableError as error:
            reason = str(error)
        else:
            missing = [name for name in ("onnxruntime", "tokenizers") if find_spec(name) is None]
            reason = f"not installed: {', '.join(missing)}" if missing else ""
    if reason and settings.backend == "onnx":
        raise _not_possible(settings, reason)
    return "torch" if reason else "onnx", reason


def load_model(settings: Embedding) -> OnnxModel | TorchModel | UniversalModel:
    """Return the model of the configured encoder, by the chosen backend.

    Where onnxruntime fails although it was chosen, torch takes its place, and that is logged.

    Raises:
        ModelError: The model is missing or isn't a sentence encoder, the device isn't available, or
            onnxruntime fails and torch isn't installed or not allowed.
        MissingExtraError: A package is missing or broken.
    """
    backend, reason = choose_backend(settings)
    if backend == UniversalModel.backend:
        return UniversalModel()
    if backend == "onnx":
        try:
            return OnnxModel(Path(locate_model(settings.model)))
        except UnsuitableError as error:
            reason = str(error)
        if settings.backend == "onnx":
            raise _not_possible(settings, reason)
        if find_spec("torch") is None:
            raise ModelError(
                f"onnxruntime can't run the encoder {settings.model!r}: {reason}; reinstall "
                "onnxruntime, or `pip install 'driftwarden[torch]'`",
                code="onnx_failed",
            )
        log.warning("onnx_encoder_not_used", model=settings.model, reason=reason, used="torch")
    elif reason.startswith("not installed") and find_spec("torch") is None:
        raise missing_extra("the encoder", "text", missing=reason.split(": ")[1].split(", "))
    return TorchModel(settings, find_device(settings.device))


def _not_possible(settings: Embedding, reason: str) -> ModelError:
    return ModelError(
        f"embedding.backend = 'onnx' can't run embedding.model = {settings.model!r}: {reason}; "
        "set embedding.backend to 'auto'",
        code="no_onnx",
    )
