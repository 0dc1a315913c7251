"""Texts of others that the fingerprints of an erasure match by chance, on public prompts.

The prompts are those of end users who had written before an erasure, and of others who write
after it; each fingerprint is made as `driftwarden forget` makes it.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from monitor.bench.row import Row
from monitor.privacy.proof.fingerprints import (
    FingerprintSearch,
    Keyed,
    passages_of,
    remove_shared,
)
from monitor.statistics.intervals import clopper_pearson

AREA = "privacy"
SEED = 1
#: End users who are erased, and the prompts of each.
ERASED, PROMPTS_EACH = 100, 5
#: Upper limit of the share of others' texts that match.
GOAL = 0.0005


def run(data: Path | None) -> Iterator[Row]:
    """Yield the share of others' texts that match, and of the erased texts that are found."""
    if data is None:
        yield Row(AREA, "others' texts that match", None, "", f"<= {GOAL}", None, "no --data")
        return
    intents = _shuffled(_prompts_of_intents(data))
    half = len(intents) // 2
    yield from _rows("CLINC150", intents[:half], intents[half:], PROMPTS_EACH)
    instructions = _shuffled(_instructions(data))
    half = len(instructions) // 2
    yield from _rows("AlpacaEval", instructions[:half], instructions[half:], 1)


def _rows(name: str, before: Sequence[str], after: Sequence[str], each: int) -> Iterator[Row]:
    erased = [before[first : first + each] for first in range(0, ERASED * each, each)]
    keyed = Keyed(b"a key of the benchmark")
    prints = {}
    for n, texts in enumerate(erased):
        passages = passages_of(texts)
        remove_shared(passages, [*before[: n * each], *before[(n + 1) * each :]])
        prints[n] = keyed.of_passages(passages)
    search = FingerprintSearch([(keyed, prints)])
    n_matches = sum(any(True for _ in search.find(text)) for text in after)
    lowest, highest = clopper_pearson(n_matches, len(after))
    share = n_matches / len(after)
    against = (
        f"{n_matches} of {len(after):,}, 95% {lowest:.4f} to {highest:.4f}; {ERASED} erased, "
        f"{len(before):,} texts stored"
    )
    label = f"others' texts of {name} that match"
    yield Row(AREA, label, share, "", f"<= {GOAL}", share <= GOAL, against)
    long = [text for texts in erased for text in texts if passages_of([text])]
    n_found = sum(any(True for _ in search.find(text)) for text in long)
    against = f"{n_found} of {len(long)} texts of eight words or more"
    yield Row(
        AREA, f"erased texts of {name} that are found", n_found / len(long), "", "", None, against
    )


def _prompts_of_intents(data: Path) -> list[str]:
    splits = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    return [text for name in sorted(splits) for text, _ in splits[name]]


def _instructions(data: Path) -> list[str]:
    path = data / "alpaca_eval" / "gpt-3.5-turbo-0301.json"
    return [record["instruction"] for record in json.loads(path.read_text(encoding="utf-8"))]


def _shuffled(texts: Sequence[str]) -> list[str]:
    return [texts[at] for at in np.random.default_rng(SEED).permutation(len(texts))]
