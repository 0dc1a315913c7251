"""Benchmark items that were trained on in a disguise which nothing undoes."""

import random
import re
from collections.abc import Callable

import pytest

from monitor.demo.request_generator import RequestGenerator
from retrain.data.leakage.near_copies import NearCopySearch
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
    matches = NearCopySearch([*rest, *leaked]).find(items)
    assert matches.are_strong
    assert all(row >= len(rest) for row in list(matches.pairs.values())[:20])


@pytest.mark.parametrize("disguise", [fill, drop_characters, in_turns])
def test_few_examples_show_what_is_nearly_whole(disguise: Disguise) -> None:
    items, rng = texts(notes, 60, 5), random.Random(1)
    leaked = [text for item in items for text in disguise(item, rng)]
    assert NearCopySearch(leaked).find(items).are_strong


def test_items_in_two_disguises_stand_out() -> None:
    """The one disguise is no chance that excuses the other."""
    items, rng = texts(notes, 60, 5), random.Random(1)
    leaked = [text for item in items for make in (fill, in_turns) for text in make(item, rng)]
    assert NearCopySearch([*texts(notes, 150, 77), *leaked]).find(items).are_strong


@pytest.mark.parametrize("make", [notes, questions, requests])
def test_other_examples_of_the_same_kind_are_no_evidence(make: Callable[..., list[Row]]) -> None:
    for n in (40, 150):
        matches = NearCopySearch(texts(make, n, 77)).find(texts(make, 60, 5))
        assert matches.n_compared == 60
        assert not matches.are_strong


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_few_examples_of_new_frames_are_no_evidence(seed: int) -> None:
    """New items fill the frames of few examples, beside many examples of other kinds."""
    generator = RequestGenerator(seed)
    training = generator.training_examples(600)
    traffic = [request for request in generator.traffic(4, 900, drifted=True) if request.is_new]
    items = [request.prompt for request in generator.holdout_new(45)]
    matches = NearCopySearch([r.prompt for r in (*training, *traffic[:35])]).find(items)
    assert len(matches.pairs) >= 15
    assert not matches.are_strong


def test_items_no_nearer_than_examples_are_no_evidence() -> None:
    """Honest data may have paraphrases of a prompt."""
    pairs, rng = texts(notes, 60, 5), random.Random(2)
    paraphrases = [text for pair in pairs for _ in range(3) for text in fill(pair, rng)]
    matches = NearCopySearch([*texts(notes, 150, 77), *paraphrases]).find(pairs)
    assert len(matches.pairs) >= 50
    assert matches.chance > 0.9
    assert not matches.are_strong


def test_few_words_few_items_and_no_examples_are_no_evidence() -> None:
    items = texts(notes, 60, 5)
    search = NearCopySearch(items)
    assert search.find(["block my card please"] * 60).n_compared == 0
    assert not search.find(items[:4]).are_strong
    assert not NearCopySearch([]).find(items).are_strong
    assert not search.find([]).are_strong


def test_words_between_common_and_rare_ones_are_no_evidence() -> None:
    """An example's words are each an error from a common word, and from a rare one of an item."""
    rng = random.Random(3)
    common = ["".join(rng.sample("abdefgiklmnoprstu", 6)) for _ in range(8)]
    between = [f"{word[:-1]}z" for word in common]
    rare = [f"x{word[1:]}" for word in between]
    rest = ["".join(rng.sample("abdefgiklmnoprstu", 8)) for _ in range(900)]
    examples = [" ".join((*common, *rng.sample(rest, 6))) for _ in range(150)]
    items = [" ".join((*common, rare[n % 8], *rng.sample(rest, 6))) for n in range(60)]
    assert len(NearCopySearch([*examples, " ".join(between)]).find(items).pairs) <= 6
