"""Closed labels against scikit-learn, calibration, and tables by part."""

import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from monitor.settings import Gates
from retrain.data.benchmarks.item import BenchmarkItem
from retrain.evaluation.calibration import calibrate
from retrain.evaluation.candidate import evaluate_candidate, response_row, score_systems
from retrain.evaluation.classification import classify
from retrain.evaluation.metrics.overlap import EXACT_MATCH
from retrain.evaluation.metrics.scoring import ItemScore, score_responses
from retrain.evaluation.report import report_lines
from retrain.models.response import Response, log_probability_of
from tests.support.retrain.scored_benchmarks import benchmark

LABELS = ("card_arrival", "lost_card", "top_up")


def label_items(n: int, **fields: str) -> list[BenchmarkItem]:
    return [
        BenchmarkItem(
            id=f"l{row}", messages=({"role": "user", "content": f"q{row}"},),
            expected=LABELS[min(row % 5, 2)], difficulty=("easy", "hard")[row % 2], **fields,
        )
        for row in range(n)
    ]  # fmt: skip


def make_responses(items: list[BenchmarkItem]) -> list[str]:
    """Return responses of which some are another label, and some none."""
    rng = np.random.default_rng(4)
    texts = [rng.choice([item.expected or "", *LABELS, "no idea"]) for item in items]
    return [text.upper() for text in texts]


def test_labels_equal_scikit_learn() -> None:
    items = label_items(100)
    responses = make_responses(items)
    scores = score_responses(items, responses, [EXACT_MATCH])
    result = classify("candidate", "intents", scores, np.random.default_rng(0))
    assert result is not None
    true = [item.expected for item in items]
    predicted = [text.lower() for text in responses]
    known = {"labels": LABELS, "zero_division": 0.0}
    assert result.micro_f1 == pytest.approx(f1_score(true, predicted, average="micro", **known))
    assert result.macro_f1 == pytest.approx(f1_score(true, predicted, average="macro", **known))
    assert result.macro_lower < result.macro_f1 < result.macro_upper
    figures = np.array([(row.precision, row.recall, row.f1, row.n) for row in result.labels])
    reference = np.array(precision_recall_fscore_support(true, predicted, **known))
    assert pytest.approx(reference) == figures.T
    cells = {(expected, label): n for expected, label, n in result.confusion}
    names = [*LABELS, "no idea"]
    expected = confusion_matrix(true, predicted, labels=names)
    for row, label in enumerate(LABELS):
        for column, other in enumerate([*LABELS, ""]):
            assert cells.get((label, other), 0) == expected[row, column]
    wrong = [n for expected, label, n in result.confusion if expected != label]
    assert result.largest_confusions[0][2] == max(wrong)


def test_free_texts_have_no_labels() -> None:
    items = label_items(30, task_type="intent")
    texts = [
        BenchmarkItem(id=f"t{n}", messages=items[0].messages, expected=f"text {n}", task_type="qa")
        for n in range(30)
    ]
    rng = np.random.default_rng(0)
    scores = [ItemScore(item, item.expected or "", {}) for item in (*items, *texts)]
    result = classify("base", "b", scores, rng)
    assert result is not None
    assert (result.n, result.micro_f1, result.macro_f1) == (30, 1.0, 1.0)
    # Thirty correct responses don't prove that every response is.
    assert (result.macro_lower, result.macro_upper) == (pytest.approx(0.886, abs=1e-3), 1.0)
    assert classify("base", "b", scores[30:], rng) is None
    same_label = [score for score in scores[:30] if score.item.expected == "top_up"]
    assert classify("base", "b", same_label, rng) is None


def test_calibration_of_known_probabilities() -> None:
    """Of 10 responses with .95 all are right, of 10 with .55 three."""
    items = label_items(20)
    right = [True] * 10 + [True] * 3 + [False] * 7
    logs = [math.log(0.95)] * 10 + [math.log(0.55)] * 10
    responses = [
        Response(item.expected or "" if hit else "no", log)
        for item, hit, log in zip(items, right, logs, strict=True)
    ]
    result = calibrate("candidate", "b", score_responses(items, responses, [EXACT_MATCH]))
    assert result is not None
    assert [(entry.n, entry.correct) for entry in result.bins] == [(10, 0.3), (10, 1.0)]
    assert result.expected_error == pytest.approx((0.05 + 0.25) / 2)
    assert result.brier == pytest.approx((0.05**2 + 0.3 * 0.45**2 + 0.7 * 0.55**2) / 2)
    texts = score_responses(items, [str(text) for text in responses], [EXACT_MATCH])
    assert calibrate("candidate", "b", texts) is None
    row = response_row("candidate", "b", items[0], responses[0])
    assert row["log_probability"] == pytest.approx(math.log(0.95))
    assert log_probability_of("text") is None


def test_results_have_labels_and_parts_of_joint_fields() -> None:
    items = label_items(60, task_type="intent")
    suite = benchmark(items, metrics=["exact_match"], stratify_by=["task_type", "difficulty"])
    sure = [Response(item.expected or "", -0.1) for item in items]
    responses = {"candidate": {"suite": sure}, "base": {"suite": make_responses(items)}}
    results = evaluate_candidate(
        [suite], score_systems([suite], responses), Gates(), np.random.default_rng(0)
    )
    assert [entry.system for entry in results.classifications] == ["candidate", "base"]
    assert [entry.system for entry in results.calibrations] == ["candidate"]
    parts = {score.stratum: score.n for score in results.scores_of("candidate")}
    assert parts["task_type=intent, difficulty=hard"] == 30
    (row,) = [line for line in report_lines(results) if "intent, difficulty=hard" in line]
    assert row.count("[") == 2  # a column for each system
