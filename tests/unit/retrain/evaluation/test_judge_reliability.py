"""Judges that say nothing about the responses: their check doesn't count."""

import itertools
import re
from collections.abc import Callable

import numpy as np
import pytest

from monitor.store.training.candidate_results import GateCheck
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.gates.judge_preference import judge_check, judge_pairs
from retrain.evaluation.human_evaluation.combined_result import _without_count
from retrain.evaluation.judge.agreement import agreement
from retrain.evaluation.judge.reference_score import RUBRIC, JudgedScore
from retrain.evaluation.metrics.metric import apply_metric
from retrain.evaluation.metrics.scoring import ItemScore

PARTS = re.compile(r"<<ANSWER (A|B) (\w+)>>\n(.*?)\n<<END ANSWER \1 \2>>", re.DOTALL)
N = 30


class Judge:
    """A judge with a function from both responses to a verdict."""

    def __init__(self, verdict: Callable[[str, str], str]) -> None:
        self.verdict = verdict

    def ask(self, system: str, question: str) -> str:
        parts = {name: text for name, _, text in PARTS.findall(question)}
        return f"VERDICT: {self.verdict(parts['A'], parts['B'])}"


def scores(response: str, n: int) -> list[ItemScore]:
    messages = ({"role": "user", "content": "q"},)
    return [
        ItemScore(BenchmarkItem(id=str(row), messages=messages), f"{response} {row}", {})
        for row in range(n)
    ]


def check(verdict: Callable[[str, str], str], n: int = N) -> GateCheck:
    judgements = judge_pairs(Judge(verdict), scores("better", n), scores("bad", n))
    return judge_check(judgements, 0.05)


def longer(a: str, b: str) -> str:
    return "A" if len(a) > len(b) else "B"


def shorter(a: str, b: str) -> str:
    return "B" if len(a) > len(b) else "A"


@pytest.mark.parametrize(
    ("verdict", "part"),
    [
        (lambda a, b: "A", "order-dependent on 30 of 30 pairs (the response shown first 30"),
        (lambda a, b: "B", "order-dependent on 30 of 30 pairs (the response shown first 0"),
        (lambda a, b: "TIE", "constant"),
    ],
)
def test_biased_and_constant_judges_do_not_count(verdict: Callable[..., str], part: str) -> None:
    result = check(verdict)
    assert result.outcome == "undecided"
    assert part in result.observed


def test_a_judge_that_contradicts_itself_does_not_count() -> None:
    replies = itertools.chain([longer, longer] * N, itertools.cycle([shorter]))
    result = check(lambda a, b: next(replies)(a, b))  # noqa: PLW0108 - a new one at each call
    assert result.outcome == "undecided"
    assert "contradicts itself on 20 of 20 pairs" in result.observed


def test_a_bias_on_a_third_of_pairs_is_refused() -> None:
    def verdict(a: str, b: str) -> str:
        return "A" if int(a.split()[1]) % 3 == 0 else longer(a, b)

    assert check(verdict).outcome == "undecided"


def test_a_consistent_judge_counts_either_way() -> None:
    assert check(longer).outcome == "passed"
    assert check(shorter).outcome == "failed"


def test_few_pairs_do_not_question_the_judge() -> None:
    assert check(lambda a, b: "A", n=4).outcome == "passed"


def test_scores_against_the_reference_follow_the_rubric_of_the_type() -> None:
    questions: list[str] = []

    class Scorer:
        def ask(self, system: str, question: str) -> str:
            questions.append(question)
            return "SCORE: 6" if "bad" in question else "Right.\nSCORE: 4"

    messages = ({"role": "user", "content": "q"},)
    items = [
        BenchmarkItem(id="1", messages=messages, expected="a", task_type="refunds"),
        BenchmarkItem(id="2", messages=messages, expected="a", task_type="cards"),
        BenchmarkItem(id="3", messages=messages),
        BenchmarkItem(id="4", messages=messages, expected="a"),
    ]
    metric = JudgedScore(Scorer(), {"refunds": "5: names the deadline"})
    values = apply_metric(metric, items, ["x", "x", "x", "bad"])
    np.testing.assert_array_equal(values, [4, 4, np.nan, np.nan])
    assert "5: names the deadline" in questions[0]
    assert RUBRIC in questions[1]
    assert metric.failure.startswith("4: ")


def test_agreement_by_chance_takes_the_check_out() -> None:
    rng = np.random.default_rng(5)
    names = ["candidate", "incumbent"]
    raters = {str(row): names[row % 2] for row in range(60)}
    by_chance = {item: names[int(rng.integers(2))] for item in raters}
    assert agreement(raters, by_chance, rng).refutes_judge
    assert not agreement(raters, raters, rng).refutes_judge
    assert not agreement(dict(list(raters.items())[:9]), raters, rng).refutes_judge
    taken_out = _without_count(check(longer))
    assert taken_out.outcome == "undecided"
