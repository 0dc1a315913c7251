"""A language model small enough for real training in a test, and its training data."""

from pathlib import Path
from typing import Any

import pytest

from retrain.data.benchmarks.item import BenchmarkItem
from tests.support.retrain.scored_benchmarks import spelled

OLD = ("lost card {}", "cards: block card")
NEW = ("sell coin {}", "crypto: sell coin")


def example(kind: tuple[str, str], number: int) -> dict[str, Any]:
    question, response = kind
    return {
        "messages": [
            {"role": "user", "content": question.format(spelled(number))},
            {"role": "assistant", "content": response},
        ],
        "metadata": {"task_type": response.partition(":")[0]},
    }


def examples(kind: tuple[str, str], n: int) -> list[dict[str, Any]]:
    return [example(kind, number) for number in range(n)]


def benchmark(n: int = 12) -> list[BenchmarkItem]:
    """Return n held-out items each of the old and the new kind."""
    return [
        BenchmarkItem(
            id=f"{split}-{number}",
            messages=({"role": "user", "content": kind[0].format(spelled(number))},),
            expected=kind[1],
            task_type=kind[1].partition(":")[0],
            split=split,  # type: ignore[arg-type]  # a literal, from the table below
        )
        for split, kind in (("old", OLD), ("new", NEW))
        for number in range(40, 40 + n)
    ]


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tiny base that can generate both responses but knows neither assignment."""
    from retrain.models.tiny_base import TinyShape, make_tiny_base

    conversations = [
        [
            {"role": "user", "content": f"{question.format(spelled(number))}? repeat {response}"},
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
