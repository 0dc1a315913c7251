"""Refusals of too little, contradictory or unbalanced data."""

from monitor.errors import TrainingError
from monitor.settings import TrainingData
from retrain.data import DataChecks, build_training_set
from retrain.data.duplicates.exact import CONTRADICTIONS
from tests.support.refusals import refusal
from tests.support.retrain.training_rows import Row, gold, original, questions, row


def built(rows: list[Row], old: list[Row] | None = None, share: float = 0.0, **rules: object):
    checks = DataChecks(rules=TrainingData(**rules))
    return build_training_set(rows, old or [], replay_share=share, seed=1, checks=checks)


def test_new_task_type_with_little_gold_is_refused() -> None:
    rows = [*gold(20), *(row(f"refund {i}", "queue: refunds", "refunds") for i in range(3))]
    with refusal("min_per_task_type", TrainingError, match="refunds: 3 of 10; 7 "):
        built(rows, min_per_task_type=10)


def test_originals_of_a_task_type_count() -> None:
    """A few gold examples of a known task type are corrections."""
    rows = [*gold(20), *(row(f"refund {i}", "queue: refunds", "refunds") for i in range(3))]
    built(rows, original(refunds=7), 0.1, min_per_task_type=10)
    with refusal("min_per_task_type", TrainingError, match="refunds: 3 of 10; 1 "):
        built(rows, original(refunds=6), 0.1, min_per_task_type=10)


def test_one_task_type_must_not_drown_the_others() -> None:
    rows = [*gold(95), *(row(f"refund {i}", "queue: refunds", "refunds") for i in range(5))]
    with refusal("max_task_share", TrainingError, match="^crypto: 95 of 100 .*95% .* 19 "):
        built(rows, max_task_share=0.8)
    more = [row(f"other {i}", "queue: refunds", "refunds") for i in range(19)]
    built([*rows, *more], max_task_share=0.8)


def test_one_task_type_alone_is_a_choice() -> None:
    assert built(gold(20)).card.by_task_type == {"crypto": 20}


def test_examples_without_a_task_type_are_not_judged() -> None:
    rows = [*(row(f"question {i}", "a") for i in range(30)), row("loan", "b", "loans")]
    assert built(rows, min_per_task_type=0).card.n_examples == 31


def test_contradicting_items_are_named_by_number_not_by_text() -> None:
    """The error may be stored longer than an end user's texts."""
    rows = [
        *gold(20),
        row("my secret", "queue: cards", item_id=31),
        row("my secret", "queue: fraud", item_id=4),
    ]
    with refusal("contradictions", TrainingError, match=r": 1; .*: items 4 and 31$"):
        built(rows)


def test_originals_that_contradict_each_other_are_left_out() -> None:
    old = [
        *original(cards=30),
        row("one thing", "queue: cards", "cards", id="a"),
        row("one  thing", "queue: fees", "cards", id="b"),
    ]
    made = built(gold(20), old, 0.5)
    assert not {"one thing", "one  thing"} & {*questions(made.rows), *questions(made.validation)}
    assert made.card.dropped == {CONTRADICTIONS: 2}
    assert made.card.dropped_examples == {CONTRADICTIONS: ("a", "b")}
