"""Digests of the tensors in a folder, and of all that changes what a model generates."""

import errno
import hashlib
import json
import os
import struct
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import msgspec

from monitor.errors import ModelError
from monitor.store.training.weights_identity import RecordedFile, RecordedFolder
from retrain.models.adapter_folder import BASE_KEY

#: Endings and names of the files that transformers, PEFT and inference servers read.
_ENDINGS = (
    *(".safetensors", ".bin", ".pt", ".pth", ".gguf"),
    *(".index.json", ".jinja", ".model", ".tiktoken", ".py"),
)
_NAMES = frozenset(
    {
        *("adapter_config.json", "config.json", "generation_config.json", "params.json"),
        *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
        *("added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "tekken.json"),
        *("chat_template.json", "processor_config.json", "preprocessor_config.json"),
    }
)
#: Beginnings of the names of a trainer's own files, which no server reads.
_TRAINER = ("training_args", "optimizer", "scheduler", "rng_state", "scaler")
#: The one subfolder that transformers reads.
_TEMPLATES = "additional_chat_templates"

_CHUNK = 1 << 20
#: A longer header is no safetensors file, as the library holds.
_MAX_HEADER = 100_000_000
#: A file may change twice within a tick of the file system's clock, and where it is mapped into
#: memory, until it is written back.
_SETTLING = timedelta(minutes=1)


def tensor_digest(folder: Path) -> str:
    """Return ``sha256:...`` of the tensors of a folder: names, shapes, types and bytes.

    Metadata, sharding and the order of tensors don't change it.

    Raises:
        ModelError: A file is no safetensors file.
        OSError: A file can't be read.
    """
    return read_folder(folder).tensors


def acting_digest(folder: Path, base: str = "") -> str:
    """Return ``sha256:...`` of all in a folder that changes what is generated.

    That is the tensors of each file, configuration, chat template and tokenizer. ``base`` is where
    an adapter's base lies.

    Raises:
        ModelError: A file is no safetensors file.
        OSError: A file can't be read.
    """
    return read_folder(folder, base).acting


def read_folder(folder: Path, base: str = "") -> RecordedFolder:
    """Read the digests and the state of a folder's acting files; see :func:`acting_digest`."""
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
    files, tensors = [], []
    for name in acting_files(folder):
        file, of_file = read_file(folder, name, base)
        files.append(file)
        tensors += of_file
    return RecordedFolder(
        path=str(folder.absolute()),
        tensors=digest_values(sorted(tensors)),
        acting=digest_of_files(files),
        files=tuple(files),
    )


def digest_of_files(files: list[RecordedFile]) -> str:
    """Return ``sha256:...`` of the names and digests of files."""
    return digest_values([[file.name, file.digest] for file in files])


def acting_files(folder: Path) -> list[str]:
    """Return the names of a folder's files that change what is generated; none without a folder."""
    paths = [*folder.glob("*"), *folder.glob(f"{_TEMPLATES}/*")]
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return sorted(name for name, path in names.items() if _acts(path.name) and path.is_file())


def _acts(name: str) -> bool:
    if name.startswith((".", *_TRAINER)):
        return False
    return name in _NAMES or name.endswith(_ENDINGS)


def read_file(folder: Path, name: str, base: str = "") -> tuple[RecordedFile, list[list[Any]]]:
    """Read a file's state and digest; of safetensors also a line for each tensor.

    The state is read before the content, so that a change meanwhile shows as one.
    """
    path = folder / name
    if not path.is_file():  # a pipe would block
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        tensors: list[list[Any]] = []
        if name.endswith(".safetensors"):
            tensors = sorted(_tensors(file, state.st_size, path))
            digest = digest_values(tensors)
        elif name == "adapter_config.json":
            digest = digest_values(_config(file.read(), base))
        elif name.endswith(".index.json"):
            content = file.read()
            _require_plain_names(content, path)
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        else:
            digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    recorded = RecordedFile(name, digest, state.st_size, state.st_ino, state.st_ctime_ns)
    return recorded, tensors


def settle(file: RecordedFile, now: datetime) -> RecordedFile:
    """Return a file read by now, without a time of change too new to tell a later one from it."""
    is_settled = file.changed_ns < (now - _SETTLING).timestamp() * 1e9
    return file if is_settled else msgspec.structs.replace(file, changed_ns=0)


def _tensors(file: IO[bytes], size: int, path: Path) -> Iterator[list[Any]]:
    """Yield name, type, shape and SHA-256 of each tensor, reading a chunk at a time."""
    try:
        begin_of_data, places = _read_header(file, size)
        for begin, end, name, dtype, shape in places:
            file.seek(begin_of_data + begin)
            yield [name, dtype, shape, _sha256(file, end - begin)]
    except (ValueError, struct.error, LookupError, TypeError, AttributeError, RecursionError) as e:
        raise ModelError(f"{path}: no safetensors file: {e}", code="no_weights") from None


def _read_header(file: IO[bytes], size: int) -> tuple[int, list[list[Any]]]:
    """Return where the data begin, and begin, end, name, type and shape of each tensor."""
    (length,) = struct.unpack("<Q", file.read(8))
    begin_of_data = 8 + length
    if begin_of_data > size or length > _MAX_HEADER:
        raise ValueError("its header is longer than the file")
    header = json.loads(file.read(length))
    places = sorted(
        [*entry["data_offsets"], name, entry["dtype"], entry["shape"]]
        for name, entry in header.items()
        if name != "__metadata__"
    )
    if any(not 0 <= begin <= end <= size - begin_of_data for begin, end, *_ in places):
        raise ValueError("a tensor lies beyond its end")
    return begin_of_data, places


def _sha256(file: IO[bytes], length: int) -> str:
    total = hashlib.sha256()
    while length:
        chunk = file.read(min(_CHUNK, length))
        if not chunk:
            raise ValueError("it became shorter while it was read")
        total.update(chunk)
        length -= len(chunk)
    return total.hexdigest()


def _require_plain_names(index: bytes, path: Path) -> None:
    """Require that an index of shards names files of its own folder, which are digested."""
    try:
        names = set(json.loads(index)["weight_map"].values())
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return  # no index that a library reads
    elsewhere = sorted(str(name) for name in names if Path(str(name)).name != name)
    if elsewhere:
        raise ModelError(f"{path}: names weights elsewhere: {elsewhere[0]}", code="no_weights")


def _config(content: bytes, base: str) -> Any:
    """Return an adapter's configuration, without the path of its base where it names that."""
    try:
        config = json.loads(content)
        named = config.get(BASE_KEY)
    except (ValueError, AttributeError, RecursionError):
        return content.hex()
    if isinstance(named, str) and _names(named, base):
        del config[BASE_KEY]
    return config


def _names(named: str, base: str) -> bool:
    """Return whether a path, absolute or from another working directory, names the base."""
    if not base:
        return False
    if Path(named).is_absolute():
        return os.path.realpath(named) == os.path.realpath(base)
    parts = tuple(part for part in Path(named).parts if part != "..")
    return bool(parts) and Path(base).parts[-len(parts) :] == parts


def digest_values(content: Any) -> str:
    """Return ``sha256:...`` of plain values."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
