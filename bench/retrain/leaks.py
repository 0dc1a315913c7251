"""Recall and precision of the leak check on CLINC150, by intent.

A benchmark of 20 queries of each intent; the training data has them in fourteen disguises, and
the 100 other queries of the intent.
"""

import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench.retrain.disguises import DISGUISES
from monitor.bench.row import Row
from retrain.data import BenchmarkTexts
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.example import make_examples
from retrain.data.leakage.leak_check import LeakCheck

#: The rules were written on the first intents of this order; the others measure them.
ORDER_SEED, N_WRITTEN_ON = 1, 50
N_ITEMS, N_DISTRACTORS = 20, 100
GOAL = 0.95


@dataclass(frozen=True)
class LeakFigures:
    """Found and disguised rows by disguise, and distractors."""

    n_matches: Counter[str]
    n_disguised: Counter[str]
    n_false: int
    n_distractors: int

    @property
    def recall(self) -> float:
        """The share of the disguised rows that were found."""
        return self.n_matches.total() / self.n_disguised.total()

    @property
    def precision(self) -> float:
        """The share of the found rows that were disguised ones."""
        return self.n_matches.total() / (self.n_matches.total() + self.n_false)


def measure_leaks(queries: dict[str, list[str]], rng: random.Random) -> LeakFigures:
    """Check disguised items and distractors of each intent: intent -> queries."""
    items, rows = [], []
    for name in sorted(queries):
        drawn = rng.sample(queries[name], min(len(queries[name]), N_ITEMS + N_DISTRACTORS))
        items += drawn[:N_ITEMS]
        rows += [("", query) for query in drawn[N_ITEMS:] if query not in drawn[:N_ITEMS]]
        for kind, disguise in DISGUISES.items():
            made = [(query, disguise(query, rng)) for query in drawn[:N_ITEMS]]
            rows += [(kind, disguised) for query, disguised in made if disguised != query]
    benchmark = BenchmarkTexts(
        "clinc",
        [
            BenchmarkItem(id=str(number), messages=({"role": "user", "content": query},))
            for number, query in enumerate(items)
        ],
        "",
    )
    check = LeakCheck([benchmark], None, threshold=0.95, phrase_words=13, overlap=0.5)
    examples = make_examples(
        (
            {
                "messages": [
                    {"role": "user", "content": query}, {"role": "assistant", "content": "x"},
                ],
                "metadata": {"kind": kind},
            }
            for kind, query in rows
        ),
        "gold",
        (),
    )  # fmt: skip
    check.drop_leaks(examples)
    matches = Counter(leak.example.metadata["kind"] for leak in check.leaks)
    total = Counter(kind for kind, _ in rows)
    return LeakFigures(
        Counter({kind: matches[kind] for kind in DISGUISES}),
        Counter({kind: total[kind] for kind in DISGUISES}),
        matches[""],
        total[""],
    )


def read_queries(data: Path) -> dict[str, list[str]]:
    """Return the queries of CLINC150 by intent, without those that the rules were written on."""
    return dict(list(queries_by_intent(data).items())[N_WRITTEN_ON:])


def queries_by_intent(data: Path) -> dict[str, list[str]]:
    """Return the queries of CLINC150 by intent, in an order of the intents by chance."""
    content = json.loads((data / "clinc150" / "data_full.json").read_text(encoding="utf-8"))
    queries: dict[str, list[str]] = defaultdict(list)
    for split in ("train", "val", "test"):
        for query, intent in content[split]:
            queries[intent].append(query)
    names = sorted(queries)
    random.Random(ORDER_SEED).shuffle(names)
    return {name: list(dict.fromkeys(queries[name])) for name in names}


def leak_rows(area: str, data: Path) -> list[Row]:
    """Return the rows of the leak check."""
    figures = measure_leaks(read_queries(data), random.Random(3))
    weakest = min(DISGUISES, key=lambda kind: figures.n_matches[kind] / figures.n_disguised[kind])
    share = figures.n_matches[weakest] / figures.n_disguised[weakest]
    return [
        Row(
            area,
            "leaked items found under fourteen disguises",
            figures.recall,
            "",
            f">= {GOAL}",
            figures.recall >= GOAL,
            f"{figures.n_disguised.total()} rows of 100 intents; weakest: {weakest}, {share:.3f}",
        ),
        Row(
            area,
            "precision against other queries of the same intent",
            figures.precision,
            "",
            f">= {GOAL}",
            figures.precision >= GOAL,
            f"{figures.n_false} of {figures.n_distractors} other queries were taken for leaks",
        ),
    ]
