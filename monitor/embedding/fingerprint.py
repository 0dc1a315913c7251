"""Fingerprint of an encoder: a digest of everything that decides its vectors."""

import hashlib
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from monitor.embedding.device import has_cuda
from monitor.embedding.encoder import encoder_name
from monitor.settings import Embedding
from monitor.settings.model_location import locate_model

#: Packages whose other versions may make other vectors, of whichever backend: both are one encoder.
PACKAGES = (
    *("driftwarden", "onnxruntime", "sentence-transformers", "transformers", "tokenizers", "torch"),
)
_COMMIT = re.compile(r"[0-9a-f]{40}")


class NoFingerprintError(Exception):
    """Raised where the weights that an encoder would load are not known before it does."""


def fingerprint_encoder(settings: Embedding) -> bytes:
    """Return the digest of weights, tokenizer, pooling, prefixes, truncation, dtype and packages.

    All files of a folder count, as each may change a vector. It takes 0.1 s per 100 MB.

    Raises:
        ModelError: The model is missing.
        NoFingerprintError: The folder is an adapter, or a hub id has no commit as its revision.
    """
    location = locate_model(settings.model, "embedding.model")
    folder = Path(location)
    if folder.is_dir():
        if (folder / "adapter_config.json").is_file():
            raise NoFingerprintError("an adapter's base model lies elsewhere; merge them")
        content = _digests(folder)
    elif _COMMIT.fullmatch(settings.revision):
        content = {}
    else:
        raise NoFingerprintError("set embedding.revision to the commit of the hub model")
    parts = [
        encoder_name(settings),
        settings.revision,
        _device(settings.device),
        {name: _version(name) for name in PACKAGES},
        content,
    ]
    return hashlib.sha256(msgspec.json.encode(parts)).digest()


def _digests(folder: Path) -> dict[str, str]:
    digests = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not name.startswith(".") and path.suffix != ".md":
            with path.open("rb") as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _device(name: str) -> str:
    """Return the kind of device, on which the dtype of the weights depends."""
    if name != "auto":
        return name.partition(":")[0]
    return "cuda" if has_cuda() else "cpu"
