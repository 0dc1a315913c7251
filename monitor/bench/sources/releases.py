"""The same prompts answered by successive releases of one model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from monitor.bench.sources.encoding import encode_cached
from monitor.errors import InputError
from monitor.settings import Embedding

FOLDER = "alpaca_eval"


@dataclass(frozen=True)
class Releases:
    """Embeddings of prompts, and of each release's answers to them."""

    #: float32 ``[n, d]``, unit norm.
    prompts: NDArray[np.float32]
    #: Release -> float32 ``[n, d]``, oldest first.
    answers: Mapping[str, NDArray[np.float32]]
    #: Of the texts and the encoder.
    digest: str = ""

    def save(self, path: Path) -> None:
        """Write the arrays where :func:`open_releases` finds them."""
        arrays: dict[str, Any] = {"prompts": self.prompts, **self.answers}
        np.savez(path, **arrays)


def open_releases(path: Path) -> Releases:
    """Open what was saved."""
    with np.load(path) as arrays:
        names = [name for name in arrays.files if name != "prompts"]
        return Releases(arrays["prompts"], {name: arrays[name] for name in names})


def read_releases(folder: Path, settings: Embedding) -> Releases | None:
    """Read AlpacaEval's answers of several releases and encode them.

    Args:
        folder: Holds ``*.json`` of records ``{instruction, output}``, a file a release in the order
            of their names, or a folder ``alpaca_eval`` with them.
        settings: The encoder.

    Returns:
        ``None`` where there are not two such files.

    Raises:
        InputError: A file can't be read, or the releases answer different prompts.
        ModelError: The encoder can't be loaded.
    """
    place = folder / FOLDER if (folder / FOLDER).is_dir() else folder
    if place.name != FOLDER:
        return None
    files = sorted(place.glob("*.json"))
    if len(files) < 2:
        return None
    prompts: list[str] = []
    answers = {}
    for path in files:
        try:
            records = json.loads(path.read_text(encoding="utf-8"))
            asked = [record["instruction"] for record in records]
            told = [record["output"] for record in records]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a file of AlpacaEval: {error}") from None
        if prompts and asked != prompts:
            raise InputError(f"{path}: its prompts are not those of {files[0].name}")
        prompts = asked
        answers[path.stem] = encode_cached(told, settings)
    encoded = encode_cached(prompts, settings)
    return Releases(
        encoded.vectors,
        {name: one.vectors for name, one in answers.items()},
        " ".join([encoded.digest, *(one.digest for one in answers.values())]),
    )
