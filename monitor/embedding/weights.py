"""Digest of a model's weights."""

import hashlib
from pathlib import Path

from monitor.errors import ModelError

WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.onnx", "*.npz")


def weights_digest(folder: Path) -> str:
    """Return a short digest of the weights, as the revision of a model without one.

    Raises:
        ModelError: The folder has none.
    """
    weights = sorted(path for pattern in WEIGHTS for path in folder.rglob(pattern))
    if not weights:
        raise ModelError(f"no model weights ({', '.join(WEIGHTS)}) in folder: {folder}")
    digest = hashlib.sha256()
    for path in weights:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:12]
