"""Snapshots of refused training data, and of remarks on data that is used."""

from collections.abc import Callable

import pytest
from syrupy.assertion import SnapshotAssertion

from monitor.errors import TrainingError
from monitor.settings import TrainingData
from retrain.data import BenchmarkTexts, DataChecks, TrainingSet, build_training_set
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.pipeline import LengthLimit
from tests.support.retrain.training_rows import Row, gold, original, questions, row

REFUNDS = [row(f"refund {number}", "queue: refunds", "refunds") for number in range(5)]


def built(
    rows: list[Row], share: float = 0.0, originals: list[Row] | None = None, **rules: object
) -> TrainingSet:
    checks = DataChecks(rules=TrainingData(**rules))
    return build_training_set(rows, originals or [], replay_share=share, seed=1, checks=checks)


def leaked() -> TrainingSet:
    items = [
        BenchmarkItem(id=text, messages=({"role": "user", "content": text},), expected="a")
        for text in questions(gold(3))
    ]
    checks = DataChecks(
        rules=TrainingData(max_left_out=0.1),
        benchmarks=[BenchmarkTexts("acceptance", items, "digest")],
    )
    return build_training_set(gold(20), [], replay_share=0, seed=1, checks=checks)


def untrainable(rows: list[Row], n_leaked: int, **rules: float) -> TrainingSet:
    """Build a set of rows of which some leak, and two are too long."""
    items = [
        BenchmarkItem(id=f"q{number}", messages=({"role": "user", "content": text},), expected="a")
        for number, text in enumerate(questions(rows[2 : 2 + n_leaked]))
    ]
    long = dict.fromkeys(questions(rows[:2]), 200)
    limit = LengthLimit(128, lambda turns: [long.get(row[0]["content"], 9) for row in turns])
    checks = DataChecks(
        rules=TrainingData(**rules),
        benchmarks=[BenchmarkTexts("acceptance", items, "digest")],
        limit=limit,
    )
    return build_training_set(rows, [], replay_share=0, seed=1, checks=checks)


REFUSALS: dict[str, Callable[[], TrainingSet]] = {
    "min_gold": lambda: built(gold(5)),
    "contradictions": lambda: built([*gold(20), row("move 3 bitcoin", "queue: wealth")]),
    "min_per_task_type": lambda: built([*gold(20), *REFUNDS[:3]], min_per_task_type=10),
    "max_task_share": lambda: built([*gold(95), *REFUNDS], max_task_share=0.8),
    "max_left_out": leaked,
    "max_left_out ": lambda: untrainable(gold(60), 40),
    "min_gold ": lambda: untrainable(gold(24), 10, max_left_out=1.0),
    "no_originals": lambda: built(gold(20), 0.3),
}

REMARKS: dict[str, Callable[[], TrainingSet]] = {
    "few_originals": lambda: built(gold(70), 0.3, original(cards=4), max_task_share=1.0),
    "few_examples": lambda: built(gold(30)),
    "large_group": lambda: built([row(f"q {n}", "a", "cards", user="robot") for n in range(200)]),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_refused_training_data_snapshot(code: str, snapshot: SnapshotAssertion) -> None:
    with pytest.raises(TrainingError) as error:
        REFUSALS[code]()
    assert error.value.code == code.strip()
    assert str(error.value) == snapshot


@pytest.mark.parametrize("case", REMARKS)
def test_remarks_of_training_data_snapshot(case: str, snapshot: SnapshotAssertion) -> None:
    assert "\n".join(REMARKS[case]().card.remarks) == snapshot
