"""Trivial systems: what they respond, and what they score."""

from dataclasses import replace

import numpy as np
import pytest

from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.benchmark import Benchmark
from retrain.evaluation.metrics.metric import PerResponse
from retrain.evaluation.trivial.constants import (
    constants,
    of_same_system_prompt,
    shuffled_references,
)
from retrain.evaluation.trivial.copying import copied_responses
from retrain.evaluation.trivial.measurement import (
    best_trivial_scores,
    measure_trivial,
    measured_metrics,
)
from tests.support.retrain.scored_benchmarks import benchmark, items

LABELS = ["pay later", "lost card", "new limit", "old fee"] * 4


def item(number: int, *, system: str = "", context: str = "", turn: str = "") -> BenchmarkItem:
    """Return an item with a system prompt, a context, or a turn of the assistant."""
    turns = [{"role": "system", "content": system}] if system else []
    turns += [{"role": "assistant", "content": turn}] if turn else []
    prompt = {"role": "user", "content": f"request {number}"}
    return BenchmarkItem(
        id=str(number), messages=(*turns, prompt), context=context, expected=LABELS[number]
    )


def best(suite: Benchmark, stratum: str = "") -> dict[str, tuple[float, str]]:
    systems = measure_trivial(suite, np.random.default_rng(0))
    return {
        score.metric: (score.value, score.system)
        for score in best_trivial_scores(suite, systems)
        if score.stratum == stratum
    }


@pytest.mark.parametrize(
    ("field", "template"),
    [
        ("system", "Be brief. {}"),
        ("system", "The label is: {}. Be brief."),
        ("system", 'Who writes so wants "{}" here.'),
        ("system", "Who writes so ({}) waits."),
        ("system", "Words {number} before {} and {number} after."),
        ("context", "Line {number}\n{}\nLine {number}."),
        ("turn", "{}"),
        ("turn", "Certainly: {}"),
    ],
)
def test_a_reference_before_the_prompt_is_copied(field: str, template: str) -> None:
    rows = [
        item(number, **{field: template.format(label, number=number)})
        for number, label in enumerate(LABELS)
    ]
    value, _ = best(benchmark(rows, metrics=["exact_match"]))["exact_match"]
    assert value == 1.0


def test_listed_labels_and_passages_are_not_solved_by_copying() -> None:
    listed = [item(n, system="Labels: " + ", ".join(LABELS[:4])) for n in range(16)]
    passages = [
        item(n, context="\n".join(f"{LABELS[(n // 4 + k) % 4]} {n}" for k in range(4)))
        for n in range(16)
    ]
    for rows in (listed, passages):
        assert best(benchmark(rows, metrics=["exact_match"]))["exact_match"][0] <= 0.5


def test_constants_are_the_usual_and_the_nearest_reference_answer() -> None:
    rows = [
        BenchmarkItem(id=str(n), messages=({"role": "user", "content": "q"},), expected=text)
        for n, text in enumerate([*(f"see the terms {n}" for n in range(9)), "z", "z"])
    ]
    named = dict(constants(rows, np.random.default_rng(0)))
    assert named["most frequent reference answer"] == "z"
    assert named["reference answer nearest to the others"].startswith("see the terms")


def test_shuffled_references_give_no_item_its_own() -> None:
    rows = items(20)
    shuffles = shuffled_references(rows, np.random.default_rng(0))
    assert len({tuple(shuffle) for shuffle in shuffles}) == 3
    for shuffle in shuffles:
        assert sorted(shuffle) == sorted(entry.expected or "" for entry in rows)
        assert all(text != entry.expected for text, entry in zip(shuffle, rows, strict=True))
    assert shuffled_references(rows[:1], np.random.default_rng(0)) == []


def test_a_system_prompt_that_decides_the_label_is_looked_up() -> None:
    rows = [item(number, system=f"Department {number % 4}") for number in range(16)]
    suite = benchmark(rows, metrics=["exact_match"])
    assert best(suite)["exact_match"][0] == 1.0
    assert set(of_same_system_prompt(items(4, expected="x"))) == {""}
    assert of_same_system_prompt(rows[:5]) == ["pay later", "", "", "", "pay later"]


def test_a_large_split_is_drawn_from() -> None:
    rows = [*items(500, expected="x"), *items(20, "new")]
    systems = measure_trivial(benchmark(rows, metrics=["exact_match"]), np.random.default_rng(0))
    usual = next(s for s in systems if s.name == "most frequent reference answer")
    scored = ~np.isnan(usual.values["exact_match"])
    assert (scored[:500].sum(), scored[500:].sum()) == (400, 20)
    assert not usual.responds[:500][~scored[:500]].any()


def test_each_split_and_stratum_has_its_best_system() -> None:
    old = items(10, expected="x", task_type="cards")
    new = [*items(6, "new", expected="y", task_type="loans"), *items(20, "new")[6:]]
    suite = benchmark([*old, *new], metrics=["exact_match"], stratify_by=["task_type"])
    usual = "most frequent reference answer"
    assert best(suite, "split=old")["exact_match"] == (1.0, usual)
    assert best(suite, "split=new")["exact_match"] == (6 / 20, usual)
    assert best(suite, "task_type=loans")["exact_match"] == (1.0, usual)


def test_the_best_is_the_lowest_where_lower_is_better() -> None:
    suite = benchmark(items(10, harmful=False), metrics=["over_refusal_rate"])
    assert best(suite)["over_refusal_rate"][0] == 0.0
    suite = benchmark(items(10, harmful=True), metrics=["refusal_rate"])
    assert best(suite)["refusal_rate"] == (1.0, "refusal of everything")


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (["f1", "bertscore"], ["token_f1"]),
        (["bertscore", "json_valid"], ["bertscore", "json_valid"]),
    ],
)
def test_an_encoder_scores_only_where_no_overlap_is_measured(
    metrics: list[str], expected: list[str]
) -> None:
    suite = benchmark(items(3), metrics=metrics)
    assert [metric.name for metric in measured_metrics(suite)] == expected


def test_a_system_on_which_a_metric_fails_has_no_score() -> None:
    inverse = PerResponse("inverse", lambda _, text: 1 / len(text), "graded")
    suite = replace(benchmark(items(3), metrics=["f1"]), metrics=(inverse,))
    systems = measure_trivial(suite, np.random.default_rng(0))
    unscored = {s.name for s in systems if np.isnan(s.values["inverse"]).all()}
    assert {"empty response"} <= unscored < {s.name for s in systems}


def test_rules_without_anything_to_copy_respond_nothing() -> None:
    rows = [item(0, turn="lost card"), item(1)]
    copied = dict(copied_responses(rows))
    assert copied["copy of the last turn of the assistant"] == ["lost card", ""]
    assert not any("context" in name for name in copied)
