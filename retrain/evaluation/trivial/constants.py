"""Responses that don't depend on the item: constants, and reference answers of other items."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.metrics.overlap import token_f1

#: Constants that need no reference answer.
FIXED = {
    "empty response": "",
    "empty JSON object": "{}",
    "refusal of everything": "I'm sorry, but I can't help with that.",
    "abstention from everything": "I don't know.",
}
#: Reference answers among which the nearest to all is searched, and items that it is compared on.
N_TRIED, N_COMPARED = 40, 60
N_SHUFFLES = 3


def constants(
    items: Sequence[BenchmarkItem], rng: np.random.Generator
) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each constant response."""
    yield from FIXED.items()
    counts = Counter(item.expected for item in items if item.expected is not None)
    if not counts:
        return
    yield "most frequent reference answer", counts.most_common(1)[0][0]
    references = list(counts.elements())
    compared = _sample(references, N_COMPARED, rng)
    nearest = max(
        _sample(list(counts), N_TRIED, rng),
        key=lambda text: sum(token_f1(reference, text) for reference in compared),
    )
    yield "reference answer nearest to the others", nearest


def shuffled_references(
    items: Sequence[BenchmarkItem], rng: np.random.Generator
) -> list[list[str]]:
    """Return responses that are the reference answers of other items, for several shuffles.

    Items without a reference answer get an empty response.
    """
    rows = [row for row, item in enumerate(items) if item.expected is not None]
    if len(rows) < 2:
        return []
    shuffles = []
    for _ in range(N_SHUFFLES):
        # A rotation of a random order: nobody keeps the own reference answer.
        order = rng.permutation(rows)
        responses = [""] * len(items)
        for row, other in zip(order, np.roll(order, 1), strict=True):
            responses[row] = items[other].expected or ""
        shuffles.append(responses)
    return shuffles


def of_same_system_prompt(items: Sequence[BenchmarkItem]) -> list[str]:
    """Return the most frequent reference answer of the other items with the same system prompt.

    Empty where there is no other item, and everywhere where all have the same system prompt.
    """
    keys = [str([m["content"] for m in item.messages if m["role"] == "system"]) for item in items]
    return of_same_key(items, keys) if len(set(keys)) > 1 else [""] * len(items)


def of_same_key(items: Sequence[BenchmarkItem], keys: Sequence[str]) -> list[str]:
    """Return the most frequent reference answer of the other items with the same key.

    Empty where there is no key or no other item.
    """
    counts: dict[str, Counter[str]] = {key: Counter() for key in keys}
    for key, item in zip(keys, items, strict=True):
        counts[key].update([item.expected] if key and item.expected is not None else [])
    responses = []
    for key, item in zip(keys, items, strict=True):
        remaining = counts[key] - Counter([item.expected or ""])
        responses.append(remaining.most_common(1)[0][0] if remaining else "")
    return responses


def _sample(texts: Sequence[str], size: int, rng: np.random.Generator) -> list[str]:
    chosen = rng.choice(len(texts), size=min(size, len(texts)), replace=False)
    return [texts[row] for row in sorted(chosen)]
