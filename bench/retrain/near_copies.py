"""Items that stand out in the training data, on CLINC150's queries.

The rule was chosen on the first half of the intents; the other half measures it.
"""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.retrain.copies import N_WRITTEN_ON
from bench.retrain.leaks import queries_by_intent
from monitor.bench.row import Row
from retrain.data.leakage.near_copies import NearCopySearch

N_NEW, N_QUERIES, N_ITEMS = 10, 20, 20
#: Numbers of new intents, of queries of each, and of those of each other intent.
HONEST = ((5, 10, 30, 75), (3, 10, 30, 80), (1, 5, 20))
_FILLERS, _CHARACTERS = ("um", "so", "like", "well"), "aeiourtn"

Queries = dict[str, list[str]]


def fill(text: str, rng: random.Random) -> list[str]:
    """Add a filler after each word."""
    return [" ".join(f"{word} {rng.choice(_FILLERS)}" for word in text.split())]


def change_characters(text: str, rng: random.Random) -> list[str]:
    """Change a character of each word of three or more."""
    words = text.split()
    for number, word in enumerate(words):
        place = rng.randrange(len(word))
        if len(word) > 2:
            words[number] = word[:place] + rng.choice(_CHARACTERS) + word[place + 1 :]
    return [" ".join(words)]


def divide(text: str, rng: random.Random) -> list[str]:  # noqa: ARG001 - one form of all
    """Divide the text into turns of four words."""
    words = text.split()
    turns = (" ".join(words[start : start + 4]) for start in range(0, len(words), 4))
    return ["\nYes?\n".join(turns)]


def halve(text: str, rng: random.Random) -> list[str]:  # noqa: ARG001 - one form of all
    """Make two texts of the halves."""
    words = text.split()
    return [" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])]


DISGUISES: dict[str, Callable[[str, random.Random], list[str]]] = {
    "fillers": fill,
    "a character of each word": change_characters,
    "turns": divide,
    "halves": halve,
}


def n_held_back(queries: Queries, rng: random.Random, n_trials: int) -> int:
    """Return how many honest candidates are held back, with data sets of many sizes."""
    n = 0
    for _ in range(n_trials):
        n_new, n_each, n_other = (rng.choice(sizes) for sizes in HONEST)
        new = rng.sample(sorted(queries), min(n_new, len(queries)))
        n += _is_strong(queries, new, rng, n_each=n_each, n_other=n_other)
    return n


def n_stopped(queries: Queries, disguise: str, share: float, rng: random.Random, n: int) -> int:
    """Return how many candidates are stopped that were trained on a share of the new items."""
    return sum(
        _is_strong(
            queries,
            rng.sample(sorted(queries), N_NEW),
            rng,
            n_each=N_QUERIES,
            n_other=N_QUERIES,
            disguise=DISGUISES[disguise],
            share=share,
        )
        for _ in range(n)
    )


def _is_strong(
    queries: Queries,
    new: list[str],
    rng: random.Random,
    *,
    n_each: int,
    n_other: int,
    disguise: Callable[[str, random.Random], list[str]] = fill,
    share: float = 0.0,
) -> bool:
    texts: list[str] = []
    items: list[str] = []
    for intent, own in sorted(queries.items()):
        n_items = min(N_ITEMS, 300 // len(new)) if intent in new else 0
        drawn = rng.sample(own, n_items + (n_each if intent in new else n_other))
        items += drawn[:n_items]
        texts += drawn[n_items:]
    leaked = rng.sample(items, round(share * len(items)))
    texts += [text for item in leaked for text in disguise(item, rng)]
    return NearCopySearch(texts).find(items).are_strong


def near_copy_rows(area: str, data: Path, n_trials: int) -> Iterator[Row]:
    """Yield the rows of honest candidates and of those that were trained on items."""
    queries = dict(list(queries_by_intent(data).items())[N_WRITTEN_ON:])
    rng = random.Random(8)
    n = n_held_back(queries, rng, n_trials)
    name = "honest candidates held back, since items stand out in the training data"
    yield Row(area, name, n / n_trials, "", "<= 0.05", n <= 0.05 * n_trials, f"{n} of {n_trials}")
    for share in (1.0, 0.5):
        for disguise in DISGUISES:
            n = n_stopped(queries, disguise, share, rng, n_trials // 4)
            name = f"trained on {share:.0%} of the new items under {disguise}: held back"
            yield Row(area, name, n / (n_trials // 4), "", "", None, f"{n} of {n_trials // 4}")
