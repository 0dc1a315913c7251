"""Prompts that are one text: a field map that reads the wrong field."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from xxhash import xxh3_64_intdigest

from monitor.errors import InputError
from monitor.traffic.exchange import Exchange

#: Fewer prompts may be one text by chance.
MIN_PROMPTS = 20
#: Of the text, in an error.
CHARACTERS_QUOTED = 80


@dataclass(frozen=True)
class SamePrompt:
    """A text that most prompts of a side are."""

    text: str
    #: Its prompts, of ``n`` of the side.
    count: int
    n: int


def find_same_prompt(prompts: Sequence[str], max_share: float) -> SamePrompt | None:
    """Return the text that more than a share of the prompts are; ``None`` where there is none."""
    if len(prompts) < MIN_PROMPTS:
        return None
    # By hashes, since the texts of a large window lie on disk.
    hashes = np.fromiter(map(_hash, prompts), dtype=np.uint64, count=len(prompts))
    _, first, counts = np.unique(hashes, return_index=True, return_counts=True)
    largest = np.flatnonzero(counts == counts.max())
    row, count = int(first[largest].min()), int(counts.max())
    if count <= max_share * len(prompts):
        return None
    return SamePrompt(prompts[row].strip(), count, len(prompts))


def _hash(prompt: str) -> int:
    return xxh3_64_intdigest(prompt.strip().encode("utf-8", "surrogatepass"))


def check_prompts(label: str, exchanges: Sequence[Exchange], max_share: float) -> None:
    """Check that the prompts of a file aren't one text, as a wrong field map would read them.

    Raises:
        InputError: More than this share of the prompts is one text.
    """
    same = find_same_prompt([exchange.prompt for exchange in exchanges], max_share)
    if same is None:
        return
    text = same.text if len(same.text) <= CHARACTERS_QUOTED else f"{same.text[:CHARACTERS_QUOTED]}…"
    raise InputError(
        f"{label}: {same.count:,} of {same.n:,} prompts are one text: {text!r}; set traffic.format "
        "and traffic.fields.prompt to the field that holds the prompt, or give "
        "--allow-same-prompt (drift.max_same_prompt_share = 1.0) if this is the prompt",
        code="same_prompt",
    )
