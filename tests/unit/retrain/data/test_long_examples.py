"""Examples that are too long for the recipe: left out and listed, or refused with what to do."""

import pytest

from monitor.errors import TrainingError
from monitor.settings import TrainingData
from retrain.data import DataChecks, TrainingSet, build_training_set
from retrain.data.exclusions import LISTED, TOO_LONG
from retrain.data.pipeline import LengthLimit
from tests.support.refusals import refusal
from tests.support.retrain.training_rows import Row, both_sides, gold, original, row, sources

LIMIT = LengthLimit(128, lambda rows: [sum(len(m["content"].split()) for m in r) for r in rows])


def long_row(number: int, **metadata: str | int) -> Row:
    return row(f"case {number} " + "word " * 200, "queue: crypto", "crypto", **metadata)


def built(
    rows: list[Row], old: list[Row] | None = None, prompts: list[Row] | None = None, **rules: float
) -> TrainingSet:
    checks = DataChecks(rules=TrainingData(max_task_share=1.0, **rules), limit=LIMIT)
    share = 0.5 if old or prompts else 0.0
    return build_training_set(
        rows, old or [], replay_share=share, seed=1, checks=checks, replay_prompts=prompts or ()
    )


def test_two_long_examples_of_220_are_left_out_and_listed() -> None:
    made = built([*gold(218), long_row(1, item_id=7), long_row(2, item_id=9)])
    assert made.card.dropped == {TOO_LONG: 2}
    names = made.card.dropped_examples[TOO_LONG]
    assert [name.split(" (")[0] for name in names] == ["item 7", "item 9"]
    assert all("204 of 128 tokens" in name for name in names)
    assert len(both_sides(made)) == 218


@pytest.mark.parametrize("n_long", [10, 11])
def test_more_than_half_too_long_is_refused(n_long: int) -> None:
    rows = [*gold(10), *(long_row(number) for number in range(n_long))]
    if n_long == 10:
        assert built(rows, min_gold=10).card.n_gold == 10
        return
    with refusal("max_left_out", TrainingError, match=r"^11 of 21 .*50%.* max_length in the recip"):
        built(rows, min_gold=10)


def test_too_little_left_is_refused_with_what_was_left_out() -> None:
    rows = [*gold(19), *(long_row(number, item_id=number) for number in range(5))]
    with refusal("min_gold", TrainingError, match=r"^19 .*20 are needed: 1 .*: 5 .*item 3 .*raise"):
        built(rows)


def test_long_originals_and_prompts_are_replaced_by_others() -> None:
    old = [*original(cards=20), *(long_row(number) for number in range(30))]
    made = built(gold(20), old)
    assert sources(both_sides(made))["replay"] == 20
    prompts = [
        {"messages": entry["messages"][:-1], "metadata": {"task_type": "cards"}} for entry in old
    ]
    made = built(gold(20), prompts=prompts)
    assert max(len(p["messages"][-1]["content"].split()) for p in made.replay_prompts) < 128
    assert made.card.n_gold + made.card.n_validation == 20


def test_the_first_are_named_and_all_on_request() -> None:
    rows = [*gold(40), *(long_row(number) for number in range(LISTED + 5))]
    assert len(built(rows).card.dropped_examples[TOO_LONG]) == LISTED
    checks = DataChecks(limit=LIMIT, n_listed=100)
    made = build_training_set(rows, [], replay_share=0.0, seed=1, checks=checks)
    assert len(made.card.dropped_examples[TOO_LONG]) == LISTED + 5
