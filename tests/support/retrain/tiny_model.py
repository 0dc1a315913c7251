"""A language model small enough for real training in a test, and its training data."""

import random
from pathlib import Path
from typing import Any

import pytest

from retrain.data.benchmarks.item import BenchmarkItem

OLD = ("card {} was lost", "cards: block card")
NEW = ("sell coin {} now", "crypto: sell coin")
_WORDS = (
    *(
        "ashy",
        "bolt",
        "crag",
        "dune",
        "echo",
        "fern",
        "glow",
        "hush",
        "iris",
        "jump",
        "kiwi",
        "lamb",
    ),
    *("moss", "nest", "opal", "pond", "quiz", "rust", "silk", "tuna"),
)


def example(kind: tuple[str, str], number: int) -> dict[str, Any]:
    question, response = kind
    return {
        "messages": [
            {"role": "user", "content": question.format(_filling(number))},
            {"role": "assistant", "content": response},
        ],
        "metadata": {"task_type": response.partition(":")[0]},
    }


def examples(kind: tuple[str, str], n: int) -> list[dict[str, Any]]:
    return [example(kind, number) for number in range(n)]


def benchmark(n: int = 12) -> list[BenchmarkItem]:
    """Return n held-out items each of the old and the new kind, no two in one template."""
    return [
        BenchmarkItem(
            id=f"{split}-{number}",
            messages=({"role": "user", "content": kind[0].format(_words(number))},),
            expected=kind[1],
            task_type=kind[1].partition(":")[0],
            split=split,  # type: ignore[arg-type]  # a literal, from the table below
        )
        for split, kind in (("old", OLD), ("new", NEW))
        for number in range(40, 40 + n)
    ]


def _filling(number: int) -> str:
    """Return a number, or for every second one words."""
    return str(number) if number % 2 else _words(number)


def _words(number: int) -> str:
    return " ".join(random.Random(number).sample(_WORDS, 4))


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny base that can generate both responses but knows neither assignment."""
    from retrain.models.tiny_base import TinyShape, make_tiny_base

    conversations = [
        [
            {"role": "user", "content": f"{question.format(_filling(number))}? repeat {response}"},
            {"role": "assistant", "content": response},
        ]
        for number in range(48)
        for question, _ in (OLD, NEW)
        for _, response in (OLD, NEW)
    ]
    shape = TinyShape(
        hidden_size=64, n_layers=2, n_heads=2, vocabulary=400, max_length=64, epochs=10.0,
        learning_rate=1e-2,
    )  # fmt: skip
    # The same folder for every file: pytest calls a fixture anew for each file that imports it.
    target = tmp_path_factory.getbasetemp() / "tiny" / "base"
    return make_tiny_base(target, conversations, seed=1, shape=shape)
