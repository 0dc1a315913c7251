"""The same prompts answered by successive releases of one model."""

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
from monitor.errors import InputError
from monitor.settings import Embedding
from monitor.windows.comparison.numeric_columns import PROMPT

FOLDER = "alpaca_eval"
#: What is saved under its own name, and what stands before the name of a release.
OWN_ARRAYS = ("prompts", "forms", "sources")
ANSWERS = "answers "


@dataclass(frozen=True)
class Releases:
    """Embeddings of prompts, and of each release's answers to them."""

    #: float32 ``[n, d]``, unit norm.
    prompts: NDArray[np.float32]
    #: Release -> float32 ``[n, d]``, oldest first.
    answers: Mapping[str, NDArray[np.float32]]
    #: float64 ``[n, k]``: the form of each prompt, by its text alone; NaN where unknown.
    forms: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 0)))
    #: str ``[n]``: where each prompt comes from; empty where that isn't told.
    sources: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, dtype=np.str_))
    #: Of the texts, their forms and the encoder.
    digest: str = ""

    def save(self, path: Path) -> None:
        """Write the arrays where :func:`open_releases` finds them."""
        own = {name: getattr(self, name) for name in OWN_ARRAYS}
        answers: dict[str, Any] = {f"{ANSWERS}{name}": one for name, one in self.answers.items()}
        np.savez(path, **own, **answers)


def open_releases(path: Path) -> Releases:
    """Open what was saved."""
    with np.load(path) as arrays:
        names = [name for name in arrays.files if name.startswith(ANSWERS)]
        answers = {name.removeprefix(ANSWERS): arrays[name] for name in names}
        return Releases(answers=answers, **{name: arrays[name] for name in OWN_ARRAYS})


def read_releases(folder: Path, settings: Embedding) -> Releases | None:
    """Read AlpacaEval's answers of several releases and encode them.

    Args:
        folder: Holds ``*.json`` of records ``{instruction, output, dataset}``, a file a release in
            the order of their names, or a folder ``alpaca_eval`` with them.
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
    forms = np.column_stack([texts.describe(prompts, form) for _, form in PROMPT.values()])
    sources = np.array([str(record.get("dataset", "")) for record in records], dtype=np.str_)
    digests = [encoded.digest, *(one.digest for one in answers.values())]
    return Releases(
        encoded.vectors,
        {name: one.vectors for name, one in answers.items()},
        forms,
        sources,
        " ".join([*digests, data_digest(forms, sources)]),
    )
