"""Removal of leaked benchmark items from training data."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import InputError, TrainingError
from monitor.settings import TrainingData
from monitor.settings.evaluation_file import read_plan
from retrain.data import BenchmarkTexts, DataChecks, TrainingSet, build_training_set
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.data.data_card_page import data_card
from retrain.data.example import question_text
from retrain.data.exclusions import LEAKED
from retrain.data.leakage.leak_check import benchmark_texts
from retrain.data.leakage.phrase_index import PhraseIndex
from tests.support.encoders.word_encoder import WordEncoder
from tests.support.refusals import refusal
from tests.support.retrain.training_rows import Row, both_sides, gold, original, questions, row

RULES = TrainingData(
    min_gold=1, min_per_task_type=0, max_task_share=1, min_duplicate_similarity=0.9,
    max_left_out=1,
)  # fmt: skip


def benchmark(
    *prompts: str, name: str = "acceptance", expected: str = "queue: crypto"
) -> BenchmarkTexts:
    items = [
        BenchmarkItem(
            id=f"{name}-{i}", messages=({"role": "user", "content": first},), expected=expected
        )
        for i, first in enumerate(prompts)
    ]
    return BenchmarkTexts(name, items, "sha256:1")


def built(
    gold: list[Row], *benchmarks: BenchmarkTexts, old: list[Row] | None = None, **rules: float
) -> TrainingSet:
    checks = DataChecks(
        rules=RULES.model_copy(update=rules), benchmarks=benchmarks, encoder=WordEncoder()
    )
    share = 0.5 if old else 0.0
    return build_training_set(gold, old or [], replay_share=share, seed=1, checks=checks)


def test_equal_text_leaks_despite_spaces_and_system_prompt() -> None:
    rows = [*gold(3), row("is  my wallet safe", "queue: crypto", system="You are a desk.")]
    made = built(rows, benchmark("Is my wallet safe?", "is my wallet safe"))
    assert sorted(questions(made.rows)) == sorted(questions(gold(3)))
    assert made.card.leaked == {"acceptance": 1}
    assert made.card.inputs["benchmark acceptance"] == "sha256:1"


def test_other_words_in_the_same_order_of_meaning_leak() -> None:
    rows = [*gold(3), row("please tell me is my wallet with bitcoin safe", "queue: crypto")]
    made = built(rows, benchmark("tell me please is my wallet with bitcoin safe"))
    assert made.card.leaked == {"acceptance": 1}


def test_a_long_text_leaks_by_its_phrases() -> None:
    """Encoders read only the beginning of a long text, which differs here."""
    document = " ".join(f"clause{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(60))
    rows = [*gold(3), row("unlike words before it " * 10 + document, "queue: crypto")]
    made = built(rows, benchmark(document))
    assert made.card.leaked == {"acceptance": 1}


def test_the_template_of_a_benchmark_leaks_nothing() -> None:
    template = "answer only from the passage below and say that you do not know where it is silent"
    made = built(
        [*gold(3), row(f"{template} on ducks and geese", "queue: crypto")],
        benchmark(f"{template} on loans to small shops", f"{template} on cards that were lost"),
        min_duplicate_similarity=0.99,
    )
    assert made.card.leaked == {}
    index = PhraseIndex.of([template, template], 5)
    assert index.repeated_by(template, 0.5) is None


def test_each_benchmark_counts_its_own() -> None:
    made = built(
        [*gold(3), row("is my wallet safe", "x"), row("who are you", "y")],
        benchmark("is my wallet safe", "who are you", name="a"),
        benchmark("who are you", name="b"),
    )
    assert made.card.leaked == {"a": 2, "b": 1}
    assert len(made.rows) == 3


def test_replay_leaks_too_and_is_filled_up() -> None:
    old = original(cards=6)
    requested = benchmark(*questions(old[:3]), expected="queue: cards")
    made = built(gold(3), requested, old=old)
    assert made.card.n_replay == 3
    assert not set(questions(made.rows)) & set(questions(old[:3]))


def test_gold_that_contradicts_a_benchmark_is_named() -> None:
    rows = [*gold(3), row("is my wallet safe", "queue: wealth", item_id=9)]
    made = built(rows, benchmark("is my wallet safe"))
    (line,) = made.card.differs_from_benchmark
    assert line.startswith("item 9: acceptance ")
    assert f"- {line}" in data_card(made.card)


def test_too_much_leaked_gold_is_refused_with_its_items() -> None:
    requested = benchmark(*questions(gold(3)))
    items = [rf"\(acceptance-{number} of acceptance\)" for number in range(3)]
    with refusal("max_left_out", TrainingError, match=r"^3 of 10 .* 25%\): 3 ") as refused:
        built(gold(10), requested, max_left_out=0.25)
    assert all(re.search(item, str(refused.value)) for item in items)
    assert "max_length" not in str(refused.value)


def test_leaked_gold_within_the_limit_is_left_out_and_listed() -> None:
    made = built(gold(10), benchmark(*questions(gold(4))), max_left_out=0.4)
    assert made.card.dropped == {LEAKED: 4}
    assert {name[-28:] for name in made.card.dropped_examples[LEAKED]} == {
        f" (acceptance-{number} of acceptance)"[-28:] for number in range(4)
    }
    assert made.card.n_gold == 6


def test_gold_that_leaked_still_overrules_the_original() -> None:
    """The prompt is the benchmark's, the response the experts'; neither is trained on."""
    requested = benchmark("is my wallet safe")
    old = [row("is my wallet safe", "no idea"), *original(cards=9)]
    made = built([*gold(3), row("is my wallet safe", "queue: crypto")], requested, old=old)
    assert "no idea" not in json.dumps(both_sides(made))


WORDS = st.sampled_from(["card", "lost", "fee", "loan", "pin", "app"])
QUESTIONS = st.lists(
    st.lists(WORDS, min_size=1, max_size=3).map(" ".join), min_size=1, max_size=12, unique=True
)


@pytest.mark.slow
@given(QUESTIONS, QUESTIONS, QUESTIONS)
def test_no_text_of_a_benchmark_is_ever_trained_on(
    prompts: list[str], new: list[str], old: list[str]
) -> None:
    bench = benchmark(*prompts)
    rows = [*gold(10), *(row(question, "new") for question in new)]
    made = built(rows, bench, old=[row(question, "old") for question in old] + original(cards=30))
    trained = {question_text(both_side["messages"][:-1]) for both_side in both_sides(made)}
    assert not trained & set(bench.questions)
    assert [item.messages[0]["content"] for item in bench.items] == prompts


def write(path: Path, *prompts: str) -> Path:
    lines = [
        json.dumps(
            {"id": str(i), "messages": [{"role": "user", "content": first}], "expected": "x"}
        )
        for i, first in enumerate(prompts)
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_every_configured_benchmark_is_read(tmp_path: Path) -> None:
    write(tmp_path / "safety.jsonl", "b", "c")
    plan = tmp_path / "evaluation.yaml"
    plan.write_text(
        "evaluation:\n  benchmarks:\n"
        "    - {name: safety, dataset: safety.jsonl, metrics: [refusal_rate]}\n",
        encoding="utf-8",
    )
    (texts,) = benchmark_texts(read_plan(plan))
    assert (texts.name, texts.questions) == ("safety", ["b", "c"])
    assert texts.digest.startswith("sha256:")
    (tmp_path / "safety.jsonl").unlink()
    with refusal("no_file", InputError, match=r"safety\.jsonl: "):
        benchmark_texts(read_plan(plan))


def test_no_leak_without_a_benchmark() -> None:
    made: TrainingSet = built(gold(3))
    assert made.card.leaked == {}
