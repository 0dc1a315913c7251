"""Responses of successive releases of one model to the same prompts."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.drift.ledger import data_digest
from monitor import descriptors as texts
from monitor.bench.encoding import encode_cached
from monitor.descriptors.catalogue import descriptors_of
from monitor.errors import InputError
from monitor.settings import Embedding

FOLDER = "alpaca_eval"
#: Arrays saved under their own names, and the prefix of the names of releases.
OWN_ARRAYS = ("prompts", "descriptors", "sources")
RESPONSES = "responses "
TEXTS = "texts"
PROMPTS = "prompts"


@dataclass(frozen=True)
class Releases:
    """Embeddings of prompts, and of the responses of each release."""

    #: float32 ``[n, d]``, unit norm.
    prompts: NDArray[np.float32]
    #: Release -> float32 ``[n, d]``, oldest first.
    responses: Mapping[str, NDArray[np.float32]]
    #: float64 ``[n, k]``: descriptors of each prompt; NaN where one doesn't apply.
    descriptors: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    #: str ``[n]``: the source of each prompt; empty if unknown.
    sources: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, dtype=np.str_))
    #: "prompts" and each release -> ``n`` texts; empty where only embeddings are known.
    texts: Mapping[str, list[str]] = field(default_factory=dict)
    #: Digest of the texts, their descriptors and the encoder.
    digest: str = ""

    def save(self, path: Path) -> None:
        """Write the arrays for :func:`open_releases`."""
        own = {name: getattr(self, name) for name in OWN_ARRAYS}
        responses: dict[str, Any] = {
            f"{RESPONSES}{name}": vectors for name, vectors in self.responses.items()
        }
        texts = np.frombuffer(json.dumps(dict(self.texts)).encode(), dtype=np.uint8)
        saved: dict[str, Any] = {**own, **responses, TEXTS: texts}
        np.savez(path, **saved)


def open_releases(path: Path) -> Releases:
    """Return the saved releases."""
    with np.load(path) as arrays:
        names = [name for name in arrays.files if name.startswith(RESPONSES)]
        responses = {name.removeprefix(RESPONSES): arrays[name] for name in names}
        return Releases(
            responses=responses,
            texts=json.loads(arrays[TEXTS].tobytes()),
            **{name: arrays[name] for name in OWN_ARRAYS},
        )


def read_releases(folder: Path, settings: Embedding) -> Releases | None:
    """Return the responses of several releases from AlpacaEval, embedded.

    Args:
        folder: A folder ``alpaca_eval``, or one that contains it, with a file ``*.json`` of records
            ``{instruction, output, dataset}`` for each release, in the order of their names.
        settings: Settings of the encoder.

    Returns:
        The releases; ``None`` where there are fewer than two such files.

    Raises:
        InputError: A file can't be read, or the releases have different prompts.
        ModelError: The encoder can't be loaded.
    """
    place = folder / FOLDER if (folder / FOLDER).is_dir() else folder
    if place.name != FOLDER:
        return None
    files = sorted(place.glob("*.json"))
    if len(files) < 2:
        return None
    prompts: list[str] = []
    responses, response_texts = {}, {}
    for path in files:
        try:
            records = json.loads(path.read_text(encoding="utf-8"))
            instructions = [record["instruction"] for record in records]
            outputs = [record["output"] for record in records]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a file of AlpacaEval: {error}") from None
        if prompts and instructions != prompts:
            raise InputError(f"{path}: its prompts are not those of {files[0].name}")
        prompts = instructions
        responses[path.stem] = encode_cached(outputs, settings)
        response_texts[path.stem] = outputs
    encoded = encode_cached(prompts, settings)
    columns = [texts.describe(prompts, entry.function) for entry in descriptors_of("prompt")]
    descriptors = np.column_stack(columns)
    sources = np.array([str(record.get("dataset", "")) for record in records], dtype=np.str_)
    digests = [encoded.digest, *(release.digest for release in responses.values())]
    return Releases(
        encoded.vectors,
        {name: release.vectors for name, release in responses.items()},
        descriptors,
        sources,
        {PROMPTS: prompts, **response_texts},
        " ".join([*digests, data_digest(descriptors, sources)]),
    )
