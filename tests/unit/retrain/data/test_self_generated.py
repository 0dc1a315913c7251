"""Self-generated replay: prompts from the parent, responses from the child."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from monitor.errors import TrainingError
from monitor.settings import TrainingData
from retrain.data import DataChecks, TrainingSet, build_training_set
from retrain.data.data_card import SelfGenerated, digest_of_rows, tokens_of
from retrain.data.self_generated import (
    CUT_OFF,
    EMPTY,
    LOOP,
    REFUSED,
    TOO_LONG,
    add_self_generated,
    needs_generation,
    why_unusable,
)
from retrain.data.training_set import read_card
from retrain.models.source import Source
from retrain.recipes.recipe import Recipe
from retrain.run_folder import RunFolder, read_lines
from tests.support.refusals import refusal
from tests.support.retrain.training_rows import Row, gold, original, questions, row, sources

RECIPE = Recipe(base="base")


def words(conversations: Sequence[Sequence[dict[str, str]]]) -> list[int]:
    return [
        sum(len(turn["content"].split()) for turn in conversation) for conversation in conversations
    ]


def prompts(n: int) -> list[Row]:
    return [
        {
            "messages": [{"role": "user", "content": f"old question {i}"}],
            "metadata": {"task_type": "cards" if i % 2 else "fees", "exchange_id": f"e{i}"},
        }
        for i in range(n)
    ]


def built(n_gold: int = 70, n_prompts: int = 100, **rules: object) -> TrainingSet:
    return build_training_set(
        gold(n_gold), [], replay_share=0.3, seed=1, replay_prompts=prompts(n_prompts),
        checks=DataChecks(rules=TrainingData(**rules), max_new_tokens=32),
    )  # fmt: skip


@dataclass
class Model:
    """A model that responds by a rule and counts its loads."""

    rule: Callable[[str], tuple[str, bool]] = lambda requested: (f"queue: {requested}", True)
    loaded: list[tuple[str, str, int]] = field(default_factory=list)

    def load(self, recipe: Recipe, wanted: SelfGenerated) -> "Model":
        self.loaded.append((wanted.base, wanted.adapter, wanted.max_new_tokens))
        return self

    def generate(
        self,
        conversations: Sequence[Sequence[dict[str, str]]],
        progress: Callable[[int], None] | None = None,
    ) -> list[tuple[str, bool]]:
        if progress is not None:
            progress(len(conversations))
        return [self.rule(conversation[-1]["content"]) for conversation in conversations]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path)


def contents(folder: RunFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.root.iterdir()}


def test_the_parent_writes_prompts_and_no_responses(folder: RunFolder) -> None:
    made = built()
    assert sources(made.rows) == {"gold": 63}
    assert len(made.validation) == 7
    assert len(made.replay_prompts) == 38  # 30 answers are wanted, and some can't be used
    card = made.card
    assert card.self_generated is not None
    assert card.self_generated.wanted_training + card.self_generated.wanted_validation == 30
    assert card.self_generated.n_usable is None
    made.write(folder)
    written = list(read_lines(folder.replay_prompts))
    assert {example["messages"][-1]["role"] for example in written} == {"user"}
    assert {example["split"] for example in written} == {"training", "validation"}
    assert needs_generation(folder)
    assert re.search(r"\b38 .*\b30 ", folder.data_card.read_text())


def test_new_base_generates_responses_to_all_prompts() -> None:
    made = build_training_set(
        gold(20), [], replay_share=0.3, seed=1, replay_prompts=prompts(100), replay_all=True
    )
    assert len(made.replay_prompts) == 100
    assert made.card.self_generated is not None
    wanted = made.card.self_generated
    assert wanted.wanted_training + wanted.wanted_validation == 80


def test_child_adds_responses_and_updates_the_card(folder: RunFolder) -> None:
    made = built().with_base(words, Source(base="served", adapter="runs/1/adapter"))
    made.write(folder)
    model, done = Model(), []
    add_self_generated(folder, RECIPE, model.load, words, done.append)
    assert (model.loaded, done) == ([("served", "runs/1/adapter", 32)], [38])
    rows, held = list(read_lines(folder.training_data)), list(read_lines(folder.validation_data))
    assert sources(rows) + sources(held) == {"gold": 70, "self-generated": 30}
    for example in rows + held:
        if example["metadata"]["source"] == "self-generated":
            assert example["messages"][-1]["content"] == f"queue: {questions([example])[0]}"
    card = read_card(folder)
    assert card is not None
    assert card.self_generated is not None
    assert (card.self_generated.n_usable, card.self_generated.unusable) == (30, {})
    assert card.digest == digest_of_rows(rows)
    assert card.validation_digest == digest_of_rows(held)
    assert (card.n_examples, card.n_validation) == (len(rows), len(held))
    assert card.by_source == dict(sorted(sources(rows).items()))
    assert card.tokens == tokens_of(rows, held, words)
    assert card.n_replay == sources(rows)["self-generated"]
    assert re.search(r"30 of 30 .*`runs/1/adapter`", folder.data_card.read_text())
    assert not needs_generation(folder)


def test_response_longer_than_max_length_is_not_used(folder: RunFolder) -> None:
    """The check before training would refuse it, after all responses were generated."""
    built().write(folder)
    short = Recipe(base="base", max_length=20)
    long_response = Model(lambda requested: ("so " * (30 if requested.endswith("7") else 3), True))
    add_self_generated(folder, short, long_response.load, words)
    card = read_card(folder)
    assert card is not None
    assert card.self_generated is not None
    (reason,) = card.self_generated.unusable
    assert reason == TOO_LONG
    assert card.tokens is not None
    assert card.tokens.longest <= 20


def spoilt(requested: str) -> tuple[str, bool]:
    number = int(requested.rsplit(maxsplit=1)[-1])
    return [
        ("", True), ("cut", False), ("I'm sorry, but I can't help with that.", True),
        ("again and again and " * 20, True),
    ][number % 4] if number < 40 else (f"queue: {requested}", True)  # fmt: skip


def test_unusable_responses_are_left_out_and_counted(folder: RunFolder) -> None:
    built().write(folder)
    add_self_generated(folder, RECIPE, Model(spoilt).load, words)
    card = read_card(folder)
    assert card is not None
    assert card.self_generated is not None
    assert set(card.self_generated.unusable) == {EMPTY, CUT_OFF, REFUSED, LOOP}
    assert card.self_generated.n_usable is not None
    assert f" {card.self_generated.n_usable} of 30 " in card.remarks[-1]
    text = folder.training_data.read_text() + folder.validation_data.read_text()
    assert "I'm sorry" not in text
    assert "again and again" not in text


def test_too_few_usable_responses_are_refused(folder: RunFolder) -> None:
    built().write(folder)
    before = folder.training_data.read_bytes()
    with refusal("few_responses", TrainingError, match=rf"0 of 27 .*\(38 {REFUSED}\)"):
        add_self_generated(
            folder, RECIPE, Model(lambda _: ("I cannot help with that request.", True)).load, words
        )
    assert folder.training_data.read_bytes() == before


@pytest.mark.parametrize("dies_before", ["train.jsonl", "validation.jsonl", "dataset.md"])
def test_a_child_that_was_killed_goes_on_where_it_was(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_before: str
) -> None:
    other = RunFolder(tmp_path / "other")
    other.root.mkdir()
    for place in (folder, other):
        built().write(place)
    model = Model()
    replace = Path.replace

    def die(self: Path, target: Path) -> Path:
        if Path(target).name == dies_before:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            add_self_generated(folder, RECIPE, model.load, words)
    assert needs_generation(folder)
    add_self_generated(folder, RECIPE, model.load, words)
    assert len(model.loaded) == 1  # what was answered isn't requested again
    add_self_generated(other, RECIPE, Model().load, words)
    for name in ("train.jsonl", "validation.jsonl", "dataset.json", "dataset.md"):
        assert (folder.root / name).read_bytes() == (other.root / name).read_bytes()


def test_prompts_that_experts_answered_or_benchmarks_ask_are_not_asked() -> None:
    requested = [*prompts(40), {"messages": gold(1)[0]["messages"][:1], "metadata": {}}]
    made = build_training_set(gold(30), [], replay_share=0.3, seed=1, replay_prompts=requested)
    assert "move 0 bitcoin" not in [
        replay_prompt["messages"][-1]["content"] for replay_prompt in made.replay_prompts
    ]
    assert made.card.dropped == {"superseded by gold": 1}


def test_originals_are_replayed_where_there_are_some() -> None:
    made = build_training_set(
        gold(30), original(cards=50), replay_share=0.3, seed=1, replay_prompts=prompts(40)
    )
    assert made.replay_prompts == []
    assert made.card.self_generated is None


def test_self_generation_can_be_switched_off() -> None:
    with refusal("no_originals", TrainingError):
        built(self_generated=False)


def test_too_few_prompts_are_remarked() -> None:
    made = built(n_prompts=10, max_task_share=1.0)
    assert re.search(r"\b10 .*\b38\b", made.card.remarks[0])
    assert made.card.self_generated is not None
    assert made.card.self_generated.wanted_training == 10


@pytest.mark.parametrize(
    ("response", "complete", "why"),
    [
        ("The card is blocked.", True, ""),
        (" \n", True, EMPTY),
        ("The card is", False, CUT_OFF),
        ("I'm sorry, but I can't assist with that.", True, REFUSED),
        ("I'm sorry that your card was stolen. Block it in the app.", True, ""),
        ("the card is blocked, " * 30, True, LOOP),
    ],
)
def test_why_a_response_is_not_used(response: str, complete: bool, why: str) -> None:
    assert why_unusable(response, complete=complete) == why


def test_a_set_without_replay_needs_no_responses(folder: RunFolder) -> None:
    assert not needs_generation(folder)
    build_training_set([row("a", "b")] * 1 + gold(20), [], replay_share=0, seed=1).write(folder)
    assert not needs_generation(folder)
    with refusal("not_planned", TrainingError):
        add_self_generated(folder, RECIPE, Model().load, words)
