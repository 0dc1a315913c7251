"""Metrics of a response, and their summary over a benchmark."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.errors import InputError
from monitor.statistics.bootstrap import mean_interval
from retrain.data.benchmarks.dataset_file import read_dataset
from retrain.data.benchmarks.item import BenchmarkItem, parse_items
from retrain.evaluation.metrics.overlap import EXACT_MATCH, TOKEN_F1, exact_match, token_f1
from retrain.evaluation.metrics.scoring import ItemScore, score_responses, summarise
from retrain.evaluation.metrics.tokens import tokens
from tests.support.refusals import refusal


@pytest.mark.parametrize(
    ("expected", "response", "same"),
    [
        ("queue: cards", " Queue:\n cards ", 1.0),
        ("\uff21\uff22\uff23", "abc", 1.0),  # full width
        ("Straße", "STRASSE", 1.0),
        ("é", "e\u0301", 1.0),
        ("queue: cards", "queue: card", 0.0),
        ("queue: cards", "queue cards", 0.0),
        ("", "", 1.0),
    ],
)
def test_exact_match(expected: str, response: str, same: float) -> None:
    assert exact_match(expected, response) == same


@pytest.mark.parametrize(
    ("expected", "response", "value"),
    [
        ("block the card", "Block, the card!", 1.0),
        ("block my card", "block card", 0.8),
        ("block the card", "block card", 1.0),  # SQuAD ignores articles
        ("card_arrival", "lost_or_stolen_card", 1 / 3),
        ("a", "the", 0.0),  # nothing but articles
        ("well-known", "well known", 1.0),
        ("👍", "👎", 0.0),
        ("5€", "5 €", 1.0),
        ("+", "-", 0.0),
        ("b c", "b b", 0.5),  # each counted once
        ("a", "b", 0.0),
        ("", "", 1.0),
        ("a", "", 0.0),
        ("?!", "a", 0.0),
        ("カードを止める", "カードを止める", 1.0),
        ("3.5 EUR", "35 EUR", 0.5),
        ("カード", "カー", 0.8),
        ("卡片", "银行", 0.0),
        ("Привет, мир", "привет мир", 1.0),
    ],
)
def test_token_f1(expected: str, response: str, value: float) -> None:
    assert token_f1(expected, response) == pytest.approx(value)


def test_tokens_mix_scripts() -> None:
    assert tokens("My IBAN、カード“x-1”") == ["my", "iban", "カ", "ー", "ド", "x", "1"]


@given(st.text("ab19.,'_ -\n\x1f"))
def test_ascii_texts_have_the_tokens_of_any_script(text: str) -> None:
    assert tokens(f"{text} \N{LATIN SMALL LETTER E WITH ACUTE}") == [*tokens(text), "\xe9"]


@given(st.text(), st.text())
def test_token_f1_is_symmetric_and_a_share(a: str, b: str) -> None:
    assert token_f1(a, b) == pytest.approx(token_f1(b, a))
    assert 0.0 <= token_f1(a, b) <= 1.0
    assert token_f1(a, a) == 1.0


def item(name: str, split: str = "old", task_type: str = "") -> BenchmarkItem:
    return BenchmarkItem(
        id=name,
        messages=({"role": "user", "content": name},),
        expected=f"answer {name}",
        split=split,  # type: ignore[arg-type]  # a parameter of the tests
        task_type=task_type,
    )


def test_a_version_is_scored_stratum_by_stratum() -> None:
    items = [item("a", "new", "crypto"), item("b", "old", "cards"), item("c", "old", "cards")]
    metrics = [EXACT_MATCH, TOKEN_F1]
    scores = score_responses(items, ["answer a", "Answer  B", "something else"], metrics)
    assert [score.values["exact_match"] for score in scores] == [1.0, 1.0, 0.0]
    summary = summarise(scores, np.random.default_rng(0), metrics=metrics)
    scores_by_stratum = {(s.stratum, s.metric): s for s in summary}
    assert {stratum for stratum, _ in scores_by_stratum} == {
        "", "split=new", "split=old", "task_type=cards", "task_type=crypto",
    }  # fmt: skip
    overall = scores_by_stratum["", "exact_match"]
    assert (overall.value, overall.n) == (pytest.approx(2 / 3), 3)
    wilson = stats.binomtest(2, 3).proportion_ci(0.95, method="wilson")
    assert (overall.lower, overall.upper) == pytest.approx((wilson.low, wilson.high))
    assert scores_by_stratum["split=old", "exact_match"].value == 0.5
    assert scores_by_stratum["task_type=crypto", "exact_match"].value == 1.0


def test_a_graded_metric_gets_the_interval_of_its_mean() -> None:
    values = np.random.default_rng(3).beta(2, 5, size=60)
    scores = [ItemScore(item(str(i)), "", {"exact_match": 0.0, "token_f1": v})
              for i, v in enumerate(values.tolist())]  # fmt: skip
    (overall,) = summarise(scores, np.random.default_rng(0), metrics=[TOKEN_F1], fields=())
    half = stats.norm.ppf(0.975) * stats.sem(values)
    assert overall.value == pytest.approx(values.mean())
    # Of 60 skewed values: near the normal interval, and not it.
    assert overall.lower == pytest.approx(values.mean() - half, abs=0.2 * half)
    assert overall.upper == pytest.approx(values.mean() + half, abs=0.2 * half)


@pytest.mark.parametrize("values", [[1.0] * 30, [0.5] * 30, [0.2, 0.9]])
def test_an_interval_without_spread_to_learn_from_is_wilsons(values: list[float]) -> None:
    """Thirty responses with a score of 1 don't prove that every response has one."""
    lower, upper = mean_interval(np.array(values), np.random.default_rng(0))
    wilson = stats.binomtest(round(sum(values)), len(values)).proportion_ci(0.95, "wilson")
    if float(sum(values)).is_integer():
        assert (lower, upper) == pytest.approx((wilson.low, wilson.high))
    assert lower < np.mean(values) <= upper + 1e-9
    assert upper - lower > 0.1


def test_a_range_is_kept() -> None:
    lower, upper = mean_interval(np.full(20, 5.0), np.random.default_rng(0), lowest=1, highest=5)
    assert 1 < lower < 5
    assert upper == 5


def line(**changes: object) -> str:
    good = {"id": "1", "messages": [{"role": "user", "content": "q"}], "expected": "a"}
    return json.dumps({**good, **changes})


def test_a_benchmark_is_read() -> None:
    content = line() + "\n\n" + line(id="2", split="new", task_type="t")
    items = parse_items(content.encode(), "b.jsonl")
    assert [(i.id, i.split, i.task_type) for i in items] == [("1", "old", ""), ("2", "new", "t")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "items"),
        (line() + "\n" + line(), r"\bid\b"),
        ("{", "line 1: "),
        (line(split="middle"), "line 1: Invalid enum value 'middle'"),
        (line(response="x"), "line 1: .*unknown field `response`"),
        (line(messages=[]), "line 1: the messages"),
        (line(messages=[{"role": "assistant", "content": "x"}]), "line 1: the messages"),
        (line(messages=[{"role": "user"}]), "a message without"),
    ],
)
def test_a_bad_benchmark_is_refused(content: str, message: str) -> None:
    with pytest.raises(InputError, match=f"b.jsonl: .*{message}"):
        parse_items(content.encode(), "b.jsonl")


@pytest.mark.parametrize(("name", "code"), [("no", "no_file"), (".", "not_readable")])
def test_a_benchmark_that_cannot_be_read_is_named(tmp_path: Path, name: str, code: str) -> None:
    with refusal(code, InputError):
        read_dataset(name, tmp_path)
