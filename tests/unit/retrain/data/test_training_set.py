"""Composition and refusals of a training set."""

import json
import re
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from monitor.errors import InputError, TrainingError
from monitor.settings import TrainingData
from retrain.data import (
    DataChecks,
    TrainingSet,
    build_training_set,
    original_training_set,
    read_examples,
)
from retrain.data.rows import check_turns
from retrain.run_folder import RunFolder, read_json, read_lines
from tests.support.refusals import refusal
from tests.support.retrain.training_rows import gold, original, questions, row, sources

#: Everything is trained on, however lopsided.
ALL = DataChecks(rules=TrainingData(validation_share=0, max_task_share=1))


@pytest.mark.parametrize(
    ("n_gold", "share", "n_replay"), [(70, 0.3, 30), (45, 0.3, 19), (20, 0.5, 20), (20, 0.0, 0)]
)
def test_the_replayed_share_is_of_the_whole_set(n_gold: int, share: float, n_replay: int) -> None:
    made = build_training_set(
        gold(n_gold), original(cards=200), replay_share=share, seed=1, checks=ALL
    )
    assert sources(made.rows) == Counter(gold=n_gold, replay=n_replay)
    assert made.card.n_gold == n_gold
    assert made.card.n_replay == n_replay
    assert made.card.replay_share == pytest.approx(share, abs=0.01)


def test_replay_is_even_over_task_types() -> None:
    made = build_training_set(
        gold(60), original(cards=500, loans=40, fees=5), replay_share=0.4, seed=3, checks=ALL
    )
    drawn = Counter(r["metadata"]["task_type"] for r in made.rows)
    assert drawn["fees"] == 5  # all there are
    assert drawn["cards"] + drawn["loans"] == 35
    assert abs(drawn["cards"] - drawn["loans"]) <= 1
    assert made.card.by_task_type == {"cards": drawn["cards"], "crypto": 60} | {
        "fees": 5,
        "loans": drawn["loans"],
    }


def test_too_few_originals_are_all_replayed_with_a_remark() -> None:
    made = build_training_set(gold(70), original(cards=4), replay_share=0.3, seed=1, checks=ALL)
    assert made.card.n_replay == 4
    (remark,) = made.card.remarks
    assert re.search(r"\b4 .*\b30 ", remark)


def test_duplicates_with_other_spaces_count_once() -> None:
    again = [row("move  0   bitcoin ", "queue: crypto"), row("move 1 bitcoin", "queue:  crypto")]
    made = build_training_set([*gold(20), *again], [], replay_share=0.0, seed=1)
    assert made.card.n_examples == 20
    assert made.card.dropped == {"duplicate in gold": 2}


def test_new_base_replays_everything() -> None:
    """A base without the original training would otherwise learn it from a third."""
    made = build_training_set(
        gold(20), original(cards=30, fees=30), replay_share=0.3, seed=1, replay_all=True
    )
    assert (made.card.n_gold, made.card.n_replay) == (20 - held(made, "gold"), 60 - held(made))
    assert any("all 60 original" in remark for remark in made.card.remarks)
    few = build_training_set(
        gold(70), original(cards=4), replay_share=0.3, seed=1, replay_all=True, checks=ALL
    )
    assert any(re.search(r"\b4 .*; 30 ", remark) for remark in few.card.remarks)
    none = build_training_set(
        gold(20), original(cards=9), replay_share=0, seed=1, replay_all=True, checks=ALL
    )
    assert none.card.n_replay == 0


def held(made: TrainingSet, source: str = "replay") -> int:
    return sum(entry["metadata"]["source"] == source for entry in made.validation)


def test_an_original_that_experts_answered_anew_is_not_replayed() -> None:
    stale = row("move 3 bitcoin", "queue: stale", "old")
    made = build_training_set(gold(20), [stale, *original(cards=50)], replay_share=0.5, seed=1)
    assert "queue: stale" not in json.dumps(made.rows)
    assert made.card.dropped == {"superseded by gold": 1}


def test_example_with_other_system_prompt_does_not_overrule() -> None:
    stale = row("move 3 bitcoin", "queue: stale", "old", system="You are a desk.")
    made = build_training_set(gold(20), [stale, *original(cards=9)], replay_share=0.5, seed=1)
    assert "queue: stale" not in json.dumps(made.rows)


def test_too_little_gold_is_refused_with_how_much_is_missing() -> None:
    # 25 rows, but only 5 different ones: teaching the same 5 five times isn't 25 reviews.
    with refusal("min_gold", TrainingError, match=rf"^5 .* {20 - 5} "):
        build_training_set(gold(5) * 5, original(cards=50), replay_share=0.3, seed=1)


def test_gold_that_contradicts_itself_is_refused_and_quoted() -> None:
    other = row("move 3 bitcoin", "queue: wealth")
    with refusal("contradictions", TrainingError, match="'move 3 bitcoin': 'queue: crypto' or"):
        build_training_set([*gold(20), other], [], replay_share=0.0, seed=1)


def test_replay_without_anything_to_replay_is_refused() -> None:
    with refusal("no_originals", TrainingError, match=r"\b9 "):
        build_training_set(gold(20), [], replay_share=0.3, seed=1)


def test_originals_alone_make_a_first_set() -> None:
    made = original_training_set(original(cards=5, fees=3) * 2, seed=1)
    assert made.card.by_source == {"original": 8}
    assert made.card.dropped == {"duplicate in original": 8}
    with refusal("no_examples", TrainingError):
        original_training_set([], seed=1)


def test_digest_is_of_the_file_and_its_inputs(tmp_path: Path) -> None:
    import hashlib

    made = [
        build_training_set(gold(20), original(cards=50), replay_share=0.3, seed=seed)
        for seed in (1, 1, 2)
    ]
    assert made[0].card.digest == made[1].card.digest
    assert made[0].rows == made[1].rows
    assert made[0].card.digest != made[2].card.digest
    changed = build_training_set(gold(21), original(cards=50), replay_share=0.3, seed=1)
    assert made[0].card.digest != changed.card.digest
    folder = RunFolder(tmp_path)
    made[0].write(folder)
    content = folder.training_data.read_bytes()
    assert made[0].card.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert list(read_lines(folder.training_data)) == made[0].rows
    assert (read_json(folder.card) or {})["digest"] == made[0].card.digest


@pytest.mark.slow
@given(
    n_gold=st.integers(20, 60),
    n_original=st.integers(1, 80),
    share=st.floats(0.0, 0.9),
    seed=st.integers(0, 9),
)
def test_nothing_is_lost_and_nothing_comes_twice(
    n_gold: int, n_original: int, share: float, seed: int
) -> None:
    old = original(cards=(n_original + 1) // 2, fees=n_original // 2)
    made = build_training_set(gold(n_gold), old, replay_share=share, seed=seed, checks=ALL)
    requested = questions(made.rows)
    assert len(set(requested)) == len(requested) == made.card.n_examples
    assert set(questions(gold(n_gold))) <= set(requested) <= set(questions(gold(n_gold) + old))
    assert made.card.n_replay == min(len(old), round(n_gold * share / (1 - share)))


def write(path: Path, *lines: str | bytes) -> Path:
    path.write_bytes(b"\n".join(x.encode() if isinstance(x, str) else x for x in lines))
    return path


def test_examples_with_line_separators_in_texts_are_read(tmp_path: Path) -> None:
    """JSON strings may contain a raw U+2028, at which str.splitlines splits."""
    text = "first\u2028second\x85third"
    lines = [json.dumps(row(text, "ok"), ensure_ascii=False), "", json.dumps(row("b", "ok"))]
    read = read_examples(write(tmp_path / "a.jsonl", *lines))
    assert questions(read) == [text, "b"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "truncated"),
        ("[]", 'line 1: no "messages"'),
        ('{"messages": []}', 'line 1: no "messages"'),
        ('{"messages": [{"role": "user"}]}', '"content"'),
        ('{"messages": [{"role": "bot", "content": "x"}]}', "another role"),
        (json.dumps({"messages": row("a", "b")["messages"][:1]}), "last message"),
        (json.dumps(row("a", "  ")), "last message"),
        (json.dumps({"messages": row("a", "b")["messages"][1:]}), "response"),
        (json.dumps({**row("a", "b"), "metadata": []}), '"metadata"'),
        (b'{"messages": "\xff"}', "line 1: "),
        (r'{"messages": "\ud800"}', "line 1: "),
    ],
)
def test_a_line_that_teaches_nothing_is_refused(
    tmp_path: Path, line: str | bytes, message: str
) -> None:
    with pytest.raises(InputError) as error:
        read_examples(write(tmp_path / "a.jsonl", line, json.dumps(row("a", "b"))))
    assert "a.jsonl: line 1: " in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([("user", {"content": "  "}), ("assistant", {"content": "b"})], "blank_prompt"),
        ([("user", {"content": [{"type": "text", "text": "a"}]}), ("assistant", {"content": "b"})],
         "content_parts"),
        ([("user", {"content": "a"}), ("assistant", {"content": "b", "weight": 0}),
          ("user", {"content": "c"}), ("assistant", {"content": "d", "weight": 1})], "turn_weight"),
        ([("user", {"content": "a"}), ("assistant", {"content": None, "tool_calls": [{"id": "1"}]}),
          ("tool", {"content": "42"}), ("assistant", {"content": "d"})], "tools"),
    ],
)  # fmt: skip
def test_turns_that_would_be_trained_otherwise_are_refused(messages, code: str) -> None:
    turns = [{"role": role, **rest} for role, rest in messages]
    with refusal(code, InputError):
        check_turns({"messages": turns})
    with refusal("tools", InputError):
        check_turns({"messages": row("a", "b")["messages"], "tools": [{}]})


def test_columns_without_values_are_no_weights_and_no_tools() -> None:
    turns = [turn | {"weight": None, "tool_calls": None} for turn in row("a", "b")["messages"]]
    check_turns({"messages": turns, "tools": None})
    turns[-1]["weight"] = 1
    check_turns({"messages": turns})


def test_the_first_bad_lines_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 1: .*line 5: .*; and 2 more$"):
        read_examples(write(tmp_path / "a.jsonl", *["{}"] * 7))


@pytest.mark.parametrize(("name", "code"), [("none.jsonl", "no_file"), (".", "no_data_files")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, code: str) -> None:
    with refusal(code, InputError):
        read_examples(tmp_path / name)


def test_examples_are_read_from_csv_and_parquet(tmp_path: Path) -> None:
    rows = [{"messages": row(*texts)["messages"]} for texts in ("ab", "cd")]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    cells = [json.dumps(entry["messages"]).replace('"', '""') for entry in rows]
    (tmp_path / "a.csv").write_text("messages\n" + "".join(f'"{cell}"\n' for cell in cells))
    for name in ("a.parquet", "a.csv"):
        read = read_examples(tmp_path / name)
        assert rows == read
