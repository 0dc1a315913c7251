"""Training and validation split: no group on both sides, all task types on each if possible."""

import random
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.settings import TrainingData
from retrain.data import DataChecks, TrainingSet, build_training_set, original_training_set
from retrain.data.example import make_examples
from retrain.data.split import MIN_VALIDATION_EXAMPLES, split_by_group
from retrain.data.stratified_draw import allocate_proportionally
from retrain.run_folder import RunFolder, read_json, read_lines
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.retrain.training_rows import Row, both_sides, gold, original, questions, row


def rules(**values: object) -> DataChecks:
    return DataChecks(rules=TrainingData(**{"max_task_share": 1.0, **values}))


def by_task(rows: list[Row]) -> Counter[str]:
    return Counter(row["metadata"]["task_type"] for row in rows)


def test_a_tenth_is_held_back_by_task_type_and_source() -> None:
    made = build_training_set(gold(70), original(cards=20, fees=10), replay_share=0.3, seed=1)
    assert (made.card.n_examples, made.card.n_validation) == (90, 10)
    assert by_task(made.validation) == {"crypto": 7, "cards": 2, "fees": 1}
    assert made.card.validation_by_task_type == {"cards": 2, "crypto": 7, "fees": 1}
    assert made.card.by_task_type == {"cards": 18, "crypto": 63, "fees": 9}
    assert made.card.n_gold == 63
    assert len({*questions(made.rows)} & {*questions(made.validation)}) == 0


def test_small_data_set_has_no_validation_examples() -> None:
    made = build_training_set(gold(30), [], replay_share=0, seed=1)
    assert (made.card.n_validation, made.validation, made.card.validation_digest) == (0, [], "")
    (remark,) = made.card.remarks
    assert re.search(rf"\b3 of 30 .*\({MIN_VALIDATION_EXAMPLES} ", remark)
    assert (
        build_training_set(
            gold(200), [], replay_share=0, seed=1, checks=rules(validation_share=0)
        ).card.remarks
        == ()
    )


def test_a_task_type_is_never_held_back_whole() -> None:
    rows = [*original(cards=99), row("one fee", "queue: fees", "fees")]
    for seed in range(10):
        made = original_training_set(rows, seed=seed, checks=rules(validation_share=0.5))
        assert "fees" not in by_task(made.validation)


@pytest.mark.parametrize("key", ["user", "session_id", "conversation_id"])
def test_rows_of_one_end_user_stay_together(key: str) -> None:
    rows = [row(f"question {i}", "a", "cards", **{key: f"u{i % 20}"}) for i in range(100)]
    made = original_training_set(rows, seed=3, checks=rules(validation_share=0.2))
    assert len(made.validation) == 20
    held = {example["metadata"][key] for example in made.validation}
    assert not held & {row["metadata"][key] for row in made.rows}
    assert made.card.n_groups == 20


def test_split_groups_by_user_and_writes_no_user(tmp_path: Path) -> None:
    rows = [row(f"q {i}", "a", "cards") | {"group_keys": [f"user=ann{i % 10}"]} for i in range(100)]
    made = original_training_set(rows, seed=3)
    assert made.card.n_groups == 10
    assert len(made.validation) == 10
    assert len({questions([example])[0][-1] for example in made.validation}) == 1  # one user's
    made.write(RunFolder(tmp_path))
    assert "ann" not in "".join(path.read_text() for path in tmp_path.iterdir())


def test_turns_of_one_conversation_stay_together() -> None:
    rows = []
    for i in range(60):
        first = row(f"hello {i}", f"hi {i}", "cards")
        more = {"role": "user", "content": "and then?"}, {"role": "assistant", "content": "this"}
        rows += [first, {**first, "messages": [*first["messages"], *more]}]
    made = original_training_set(rows, seed=1, checks=rules(validation_share=0.2))
    openings = [
        {example["messages"][0]["content"] for example in side}
        for side in (made.rows, made.validation)
    ]
    assert openings[1]
    assert not openings[0] & openings[1]


def test_near_duplicates_stay_on_one_side_of_the_split() -> None:
    pairs = []
    for i in range(60):
        text = " ".join(chr(97 + i % 26) * 3 + chr(97 + i // 26) + chr(97 + j) for j in range(12))
        pairs += [row(text, "x", "cards", pair=i), row(f"{text} now", "y", "cards", pair=i)]
    checks = DataChecks(rules=TrainingData(validation_share=0.2), encoder=WordEncoder())
    made = original_training_set(pairs, seed=1, checks=checks)
    held = {example["metadata"]["pair"] for example in made.validation}
    assert held
    assert not held & {row["metadata"]["pair"] for row in made.rows}


def test_oversized_group_stays_in_training_with_a_remark() -> None:
    rows = [row(f"question {i}", "a", "cards", user="robot") for i in range(200)]
    made = original_training_set(rows, seed=1)
    assert made.validation == []
    (remark,) = made.card.remarks
    assert re.search(r"^0 .*\b20: .*\b200 ", remark)


def test_validation_examples_are_written_with_their_digest(tmp_path: Path) -> None:
    import hashlib

    made = build_training_set(gold(100), [], replay_share=0, seed=1)
    folder = RunFolder(tmp_path)
    made.write(folder)
    content = folder.validation_data.read_bytes()
    assert list(read_lines(folder.validation_data)) == made.validation
    card = read_json(folder.card) or {}
    assert card["validation_digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert card["n_validation"] == 10


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["cards", "fees", "loans"]), st.integers(0, 12), st.integers(0, 25)
        ),
        min_size=1, max_size=150,
    ),
    st.floats(0, 0.5),
    st.integers(0, 5),
)  # fmt: skip
def test_no_group_is_on_both_sides(
    drawn: list[tuple[str, int, int]], share: float, seed: int
) -> None:
    rows = [
        row(f"question {i}", "a", task, user=f"u{user}", session_id=f"s{session}")
        for i, (task, user, session) in enumerate(drawn)
    ]
    examples = make_examples(rows, "original", ("user", "session_id"))
    split = split_by_group(examples, (), share, random.Random(seed))
    assert sorted(id(example) for example in examples) == sorted(
        id(entry) for entry in (*split.training, *split.validation)
    )
    assert len(split.validation) <= round(share * len(examples))
    for key in ("user", "session_id"):
        trained = {entry.metadata[key] for entry in split.training}
        assert not trained & {entry.metadata[key] for entry in split.validation}


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 500), min_size=1), st.integers(0, 400)
)
def test_shares_are_proportional_and_add_up(sizes: dict[str, int], total: int) -> None:
    shares = allocate_proportionally(sizes, total)
    assert sum(shares.values()) == total
    for name, size in sizes.items():
        assert abs(shares[name] - total * size / sum(sizes.values())) < 1


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_split_depends_on_the_content_alone(shuffle: random.Random) -> None:
    rows = [row(f"question {i}", "a", "cards", user=f"u{i % 40}") for i in range(120)]
    made: TrainingSet = original_training_set(rows, seed=4)
    shuffle.shuffle(rows)
    again = original_training_set(rows, seed=4)
    assert (made.rows, made.validation, made.card) == (again.rows, again.validation, again.card)
    assert len(both_sides(made)) == 120
