"""Honest benchmarks of real texts, each with an incumbent whose accuracy is drawn."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.retrain.separation import make_benchmark, make_item
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark

N_ITEMS = 200
#: Labels of CLINC150 in a benchmark with few.
N_FEW = 6
NAMES = ("Ana", "Bob", "Cem", "Dia", "Eva")
BOTH = ("exact_match", "token_f1")

#: Name, benchmark, and the incumbent's responses.
Honest = tuple[str, Benchmark, list[str]]


def honest_benchmarks(data: Path, rng: random.Random) -> Iterator[Honest]:
    """Yield benchmarks with old items of CLINC150 and AlpacaEval.

    The incumbent is right on 70% to 95% of the items; on AlpacaEval, it is another release.
    """
    full = json.loads((data / "clinc150/data_full.json").read_text(encoding="utf-8"))
    queries: list[tuple[str, str]] = [tuple(row) for row in full["test"]]
    labels = sorted({label for _, label in queries})
    few = rng.sample(labels, N_FEW)
    of_few = [row for row in queries if row[1] in few]
    listed = "Reply with one of these labels:\n"
    for name, rows, system in (
        ("150 labels", queries, ""),
        ("150 labels, listed in the system prompt", queries, listed + "\n".join(labels)),
        ("6 labels", of_few, ""),
        ("6 labels, listed in the system prompt", of_few, listed + "\n".join(few)),
    ):
        more = {"system": system} if system else {}
        drawn = rng.sample(rows, min(len(rows), N_ITEMS))
        items = [make_item(n, text, label, **more) for n, (text, label) in enumerate(drawn)]
        yield name, make_benchmark(items, BOTH), _responses(items, rng)
    texts = [text for text, _ in queries]
    items = [_line_of_a_log(number, texts, rng) for number in range(N_ITEMS)]
    yield "extraction from a log", make_benchmark(items, BOTH), _responses(items, rng)
    inside = [(text, "in scope") for text in rng.sample(texts, N_ITEMS // 2)]
    outside = [(t, "out of scope") for t, _ in rng.sample(full["oos_test"], N_ITEMS // 2)]
    items = [make_item(n, *row) for n, row in enumerate([*inside, *outside])]
    yield "2 labels, half each", make_benchmark(items), _responses(items, rng, least=0.85)
    first, second = (release(data, name) for name in rng.sample(["0301", "0613", "1106"], 2))
    prompts = rng.sample(sorted(first), N_ITEMS)
    items = [make_item(number, prompt, first[prompt]) for number, prompt in enumerate(prompts)]
    yield (
        "open responses",
        make_benchmark(items, ("token_f1",)),
        [second[prompt] for prompt in prompts],
    )


def _responses(
    items: Sequence[BenchmarkItem], rng: random.Random, *, least: float = 0.7
) -> list[str]:
    accuracy = rng.uniform(least, 0.95)
    references = [item.expected or "" for item in items]
    return [text if rng.random() < accuracy else rng.choice(references) for text in references]


def _line_of_a_log(number: int, texts: Sequence[str], rng: random.Random) -> BenchmarkItem:
    names, lines = rng.sample(NAMES, len(NAMES)), rng.sample(texts, len(NAMES))
    place = rng.randrange(len(NAMES))
    log = "\n".join(f"{name}: {text}" for name, text in zip(names, lines, strict=True))
    return make_item(number, f"What did {names[place]} say?", lines[place], context=log)


def release(data: Path, name: str) -> dict[str, str]:
    """Return the responses of a release in AlpacaEval by prompt."""
    path = data / f"alpaca_eval/gpt-3.5-turbo-{name}.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    return {row["instruction"]: row["output"] for row in rows}
