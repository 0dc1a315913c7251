"""Decision rule: each outcome, and its explanation."""

from dataclasses import replace
from typing import Any

import pytest

from monitor.review.decision.error_causes import (
    CONTEXT_SUFFICED,
    FACTS_MISSING,
    NEEDS_JUDGEMENT,
    ErrorCauses,
)
from monitor.review.decision.error_rate import ControlSlice
from monitor.review.decision.explanation import explain
from monitor.review.decision.rule import Baseline, ReviewEvidence, choose_remedy, recommend
from monitor.review.decision.weighted_rate import WeightedRate
from monitor.settings import Review
from monitor.statistics.agreement import UNDEFINED, Agreement

AGREED = Agreement(200, 0.95, 0.85, 0.8, 0.9, 0.9, 0.85, 0.95)


def control(n: int, errors: int, drawn: int | None = None, excluded: int = 0) -> ControlSlice:
    return ControlSlice(n if drawn is None else drawn, excluded, n, errors, 0)


def error_causes(judgement: float, *, reach: float = 0.1, worth: float = 40.0) -> ErrorCauses:
    def share(rate: float) -> WeightedRate:
        return WeightedRate(40, 1, worth, rate, max(0.0, rate - reach), min(1.0, rate + reach))

    rest = 1 - judgement
    return ErrorCauses(
        50, 40, worth,
        {
            NEEDS_JUDGEMENT: share(judgement),
            FACTS_MISSING: share(0.75 * rest),
            CONTEXT_SUFFICED: share(0.25 * rest),
        },
    )  # fmt: skip


RISEN = ReviewEvidence(
    batch_control=control(60, 12),
    pooled=control(240, 48),
    baseline=Baseline(32, 400, "launch"),
    agreement=AGREED,
    error_causes=error_causes(0.8),
    drifted_gold=60,
)


@pytest.mark.parametrize(
    ("change", "expected", "missing"),
    [
        ({}, "retrain", ""),
        ({"pooled": control(240, 22)}, "keep", ""),
        ({"batch_control": control(53, 12, drawn=60)}, "undecided", "control"),
        ({"batch_control": control(54, 12, drawn=60)}, "retrain", ""),
        ({"batch_control": control(53, 12, drawn=60, excluded=2)}, "retrain", ""),
        ({"batch_control": control(0, 0), "pooled": control(0, 0)}, "undecided", "control"),
        ({"agreement": replace(AGREED, alpha=0.666)}, "fix_guidelines", ""),
        ({"agreement": UNDEFINED}, "retrain", ""),
        ({"error_causes": error_causes(0.2)}, "fix_context", ""),
        ({"error_causes": error_causes(0.2), "drifted_gold": 0}, "fix_context", ""),
        ({"error_causes": ErrorCauses(50, 0, 0.0, {})}, "undecided", "error_causes"),
        ({"error_causes": error_causes(0.55, worth=29)}, "undecided", "error_causes"),
        ({"error_causes": error_causes(0.55, worth=30)}, "retrain", ""),
        ({"error_causes": error_causes(0.45, worth=30)}, "fix_context", ""),
        ({"error_causes": error_causes(0.65, worth=10)}, "retrain", ""),
        ({"drifted_gold": 49}, "undecided", "gold"),
    ],
)
def test_recommendation_of_each_case(change: dict[str, Any], expected: str, missing: str) -> None:
    outcome = recommend(replace(RISEN, **change), Review())
    assert (expected, missing) == (outcome.recommendation, outcome.missing)
    assert all(reason.endswith(".") for reason in outcome.reasons)


def test_rise_bound_is_newcombes() -> None:
    outcome = recommend(RISEN, Review())
    assert outcome.rise is not None
    assert pytest.approx(0.12) == outcome.rise.difference
    assert 0 < outcome.rise.bound < outcome.rise.lower < 0.12


def test_fix_context_advice_follows_the_larger_cause() -> None:
    assert "retrieval" in choose_remedy(error_causes(0.2), 30)[1]
    causes = error_causes(0.2)
    shares = {
        **causes.shares,
        CONTEXT_SUFFICED: causes.shares[FACTS_MISSING],
        FACTS_MISSING: causes.shares[CONTEXT_SUFFICED],
    }
    advice = choose_remedy(replace(causes, shares=shares), 30)[1]
    assert ("prompt" in advice, "retrieval" in advice) == (True, False)


@pytest.mark.parametrize(("share", "is_clear"), [(0.55, False), (0.45, False), (0.8, True)])
def test_remedy_by_unclear_majority_is_marked(share: float, is_clear: bool) -> None:
    reason = choose_remedy(error_causes(share), 30)[1]
    assert is_clear == ("The interval includes 50%" not in reason)


@pytest.mark.parametrize(
    ("recommendation", "missing", "n_steps"),
    [
        ("undecided", "control", 1),
        ("keep", "", 2),
        ("fix_guidelines", "", 3),
        ("fix_context", "", 4),
        ("undecided", "error_causes", 4),
        ("undecided", "gold", 5),
        ("retrain", "", 5),
    ],
)
def test_explanation_ends_with_the_decisive_step(
    recommendation: str, missing: str, n_steps: int
) -> None:
    steps = explain(recommendation, inputs(missing))
    assert n_steps == sum(step.state != "skipped" for step in steps)
    states = [step.state for step in steps[:n_steps]]
    assert (recommendation != "retrain") == (states[-1] == "decisive")
    assert {"passed"} >= set(states[:-1])


def test_explanation_counts_reused_points() -> None:
    assert "3 points" in explain("keep", inputs(""))[0].formula


def inputs(missing: str) -> dict[str, Any]:
    batch_control = {"n": 60, "n_drawn": 60, "n_excluded": 0, "n_reused": 3, "missing_share": 0.0}
    return {
        "control_of_batch": batch_control, "rise": None, "rate": None, "baseline": None,
        "agreement": {"alpha": None, "minimum": 0.667, "n_items": 9},
        "error_causes": {"shares": {}, "n_rated": 0, "minimum": 30, "effective_n": 0.0},
        "drifted_gold": 3, "min_drifted_gold": 50, "missing": missing, "confidence": 0.99,
    }  # fmt: skip
