"""The rule, case by case, on counts alone."""

from dataclasses import replace

import pytest

from monitor.review.decision.error_causes import (
    CONTEXT_SUFFICED,
    FACTS_MISSING,
    NEEDS_JUDGEMENT,
    ErrorCauses,
)
from monitor.review.decision.error_rate import ControlSlice
from monitor.review.decision.explanation import explain
from monitor.review.decision.rule import Baseline, Evidence, choose_remedy, recommend
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


RISEN = Evidence(
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
def test_each_case(change: dict, expected: str, missing: str) -> None:
    outcome = recommend(replace(RISEN, **change), Review())
    assert (expected, missing) == (outcome.recommendation, outcome.missing)
    assert all(reason.endswith(".") for reason in outcome.reasons)


def test_the_bound_is_newcombes() -> None:
    outcome = recommend(RISEN, Review())
    assert outcome.rise is not None
    assert pytest.approx(0.12) == outcome.rise.difference
    assert 0 < outcome.rise.bound < outcome.rise.lower < 0.12


def test_knowledge_names_what_to_do_first() -> None:
    assert "update retrieval first" in choose_remedy(error_causes(0.2), 30)[1]
    had = error_causes(0.2)
    shares = {
        **had.shares,
        CONTEXT_SUFFICED: had.shares[FACTS_MISSING],
        FACTS_MISSING: had.shares[CONTEXT_SUFFICED],
    }
    assert "mend the prompt first" in choose_remedy(replace(had, shares=shares), 30)[1]


def test_an_unsure_majority_says_so() -> None:
    assert "not surely" in choose_remedy(error_causes(0.55), 30)[1]
    assert "not surely" in choose_remedy(error_causes(0.45), 30)[1]
    assert "not surely" not in choose_remedy(error_causes(0.8), 30)[1]


@pytest.mark.parametrize(
    ("recommendation", "missing", "asked"),
    [("undecided", "control", 1), ("keep", "", 2), ("fix_guidelines", "", 3), ("fix_context", "", 4),
     ("undecided", "error_causes", 4), ("undecided", "gold", 5), ("retrain", "", 5)],
)  # fmt: skip
def test_the_page_shows_where_the_rule_stopped(
    recommendation: str, missing: str, asked: int
) -> None:
    batch_control = {"n": 60, "n_drawn": 60, "n_excluded": 0, "n_reused": 3, "missing_share": 0.0}
    inputs = {
        "control_of_batch": batch_control, "rise": None, "rate": None, "baseline": None,
        "agreement": {"alpha": None, "minimum": 0.667, "n_items": 9},
        "error_causes": {"shares": {}, "n_answered": 0, "minimum": 30, "effective_n": 0.0},
        "drifted_gold": 3, "min_drifted_gold": 50, "missing": missing, "confidence": 0.99,
    }  # fmt: skip
    steps = explain(recommendation, inputs)
    assert asked == sum(step.state != "open" for step in steps)
    assert (recommendation != "retrain") == any(step.state == "stops" for step in steps)
    assert "3 of the hits" in steps[0].formula
