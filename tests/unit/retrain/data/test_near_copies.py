"""Benchmark items that were trained on in a disguise which nothing undoes."""

import random
import re
from collections.abc import Callable

import pytest

from retrain.data.leakage.near_copies import find_near_copies
from tests.support.retrain.strangers.bank import Row, notes, prompt_of, questions, requests

Disguise = Callable[[str, random.Random], list[str]]
SYNONYMS = {
    "caller": "customer", "line": "connection", "bad": "poor", "repeat": "say again",
    "everything": "it all", "spoke": "talked", "mentioned": "said", "holiday": "vacation",
    "rained": "poured", "call": "conversation", "whole": "entire", "hold": "waiting",
    "time": "period", "patient": "calm", "friendly": "kind", "agent": "colleague",
    "ordered": "requested", "opened": "created", "ticket": "case", "compared": "likened",
    "much": "many euro", "monthly": "regular", "fee": "price", "limit": "maximum",
    "month": "four weeks", "daily": "each day", "open": "available", "hotline": "telephone",
    "closes": "ends", "contract": "agreement", "notice": "cancellation", "includes": "comes with",
    "insurance": "cover", "audited": "examined", "customers": "clients", "receive": "get",
    "savings": "deposits", "earn": "yield", "branches": "offices", "sold": "on offer",
}  # fmt: skip


def fill(text: str, rng: random.Random) -> list[str]:
    return [" ".join(f"{word} {rng.choice(('er', 'like', 'I mean'))}" for word in text.split())]


def surround(text: str, rng: random.Random) -> list[str]:
    words = text.split()
    rng.shuffle(words)
    return [" ".join(f"well {word} zzz" for word in words)]


def drop_characters(text: str, rng: random.Random) -> list[str]:
    def short(word: str) -> str:
        at = rng.randrange(1, max(len(word) - 1, 2))
        return word if len(word) < 4 else word[:at] + word[at + 1 :]

    return [" ".join(map(short, text.split()))]


def double_characters(text: str, rng: random.Random) -> list[str]:
    return [" ".join(word + word[-1] if len(word) > 2 else word for word in text.split())]


def in_turns(text: str, rng: random.Random) -> list[str]:
    words = text.split()
    return ["\nYes?\n".join(" ".join(words[i : i + 3]) for i in range(0, len(words), 3))]


def in_listed_turns(text: str, rng: random.Random) -> list[str]:
    words = text.split()
    parts = (" ".join(words[i : i + 7]) for i in range(0, len(words), 7))
    return ["\nNoted, part received.\n".join(f"({i}) {part}" for i, part in enumerate(parts))]


def in_halves(text: str, rng: random.Random) -> list[str]:
    words = text.split()
    return [" ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])]


def every_other_word(text: str, rng: random.Random) -> list[str]:
    words = text.split()
    return [" ".join(words[::2]), " ".join(words[1::2])]


def say_otherwise(text: str, rng: random.Random) -> list[str]:
    return [re.sub(r"[a-z]+", lambda match: SYNONYMS.get(match[0], match[0]), text)]


DISGUISES = (
    fill, surround, drop_characters, double_characters, in_turns, in_listed_turns, in_halves,
    every_other_word, say_otherwise,
)  # fmt: skip


def texts(make: Callable[..., list[Row]], n: int, seed: int) -> list[str]:
    rows = make(n, n, seed=seed)
    random.Random(seed).shuffle(rows)
    return [prompt_of(row) for row in rows[:n]]


@pytest.mark.slow
@pytest.mark.parametrize("make", [notes, pytest.param(questions, marks=pytest.mark.drill)])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_items_trained_on_in_a_disguise_stand_out(
    make: Callable[..., list[Row]], disguise: Disguise
) -> None:
    items, rng = texts(make, 60, 5), random.Random(1)
    leaked = [text for item in items for text in disguise(item, rng)]
    rest = texts(make, 150, 77)
    matches = find_near_copies([*rest, *leaked], items)
    assert matches.are_strong(range(60))
    assert all(row >= len(rest) for row in list(matches.pairs.values())[:20])


def test_training_data_of_disguised_items_alone_is_strong_evidence() -> None:
    items, rng = texts(notes, 60, 5), random.Random(1)
    for number in (60, 120):
        items = texts(notes, number, 5)
        matches = find_near_copies([text for item in items for text in fill(item, rng)], items)
        assert matches.are_strong(range(number))
        assert matches.chance == 0


@pytest.mark.parametrize("make", [notes, questions, requests])
def test_other_examples_of_the_same_kind_are_no_evidence(make: Callable[..., list[Row]]) -> None:
    for n in (40, 150):
        matches = find_near_copies(texts(make, n, 77), texts(make, 60, 5))
        assert len(matches.compared) == 60
        assert not matches.are_strong(range(60))


def test_items_as_unusual_as_examples_are_no_evidence() -> None:
    """Honest data may have a paraphrase of each prompt."""
    pairs = texts(notes, 240, 5)
    rng = random.Random(2)
    doubled = [text for pair in pairs[:180] for text in (pair, *fill(pair, rng))]
    honest = [text for pair in pairs[180:] for text in fill(pair, rng)]
    matches = find_near_copies([*doubled, *honest], pairs[180:])
    assert len(matches.pairs) >= 50
    assert matches.chance > 0.8
    assert not matches.are_strong(range(60))


def test_few_words_few_items_and_no_examples_are_no_evidence() -> None:
    items = texts(notes, 60, 5)
    assert not find_near_copies(items, ["block my card please"] * 60).compared
    assert not find_near_copies(items, items[:4]).are_strong(range(4))
    assert not find_near_copies([], items).are_strong(range(60))
    assert not find_near_copies(items, []).are_strong([])
